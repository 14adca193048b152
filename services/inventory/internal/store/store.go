// Package store keeps stock, reservations and movements. Every change of them goes through [Store.Change].
package store

import (
	"context"
	"embed"
	"io"
	"io/fs"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the versioned migrations of the inventory service's tables.
func Migrations() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "inventory", FS: files}
}

// WriteSchema writes the statements that would make the tables behind drv what the ent schema says: none, when the
// migrations are complete.
func WriteSchema(ctx context.Context, drv dialect.Driver, w io.Writer) error {
	return db.NewClient(db.Driver(drv)).Schema.WriteTo(ctx, w)
}

// Store reads and changes stock.
type Store struct {
	db   *database.DB
	read *db.Client
}

// New returns a store on an open, migrated database.
func New(database *database.DB) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader()))}
}
