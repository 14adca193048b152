// Package store keeps orders. Every change of an order goes through [Store.Place] or [Store.Advance], inside the
// transaction that also remembers what caused it.
package store

import (
	"context"
	"embed"
	"io"
	"io/fs"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/order/internal/ent/db"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the versioned migrations of the order service's tables.
func Migrations() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "order", FS: files}
}

// WriteSchema writes the statements that would make the tables behind drv what the ent schema says: none, when the
// migrations are complete.
func WriteSchema(ctx context.Context, drv dialect.Driver, w io.Writer) error {
	return db.NewClient(db.Driver(drv)).Schema.WriteTo(ctx, w)
}

// Store reads and writes orders.
type Store struct {
	db   *database.DB
	read *db.Client
}

// New returns a store on an open, migrated database.
func New(database *database.DB) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader()))}
}

// ErrNotFound is the answer for an order that does not exist or is not the caller's.
func ErrNotFound(id string) error {
	return fault.NotFound("ORDER_NOT_FOUND", "There is no order %s of yours.", id)
}
