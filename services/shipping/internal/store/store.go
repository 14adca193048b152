// Package store keeps shipments and the methods of shipping. Every change of a shipment goes through [Store.Advance],
// inside the transaction that also remembers what caused it.
package store

import (
	"context"
	"embed"
	"io"
	"io/fs"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/shipping/internal/ent/db"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the versioned migrations of the shipping service's tables, and the methods of shipping with their rates.
func Migrations() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "shipping", FS: files}
}

// WriteSchema writes the statements that would make the tables behind drv what the ent schema says: none, when the
// migrations are complete.
func WriteSchema(ctx context.Context, drv dialect.Driver, w io.Writer) error {
	return db.NewClient(db.Driver(drv)).Schema.WriteTo(ctx, w)
}

// Store reads and writes shipments.
type Store struct {
	db       *database.DB
	read     *db.Client
	onChange func(orderIDs []string)
}

// New returns a store on an open, migrated database. After each commit onChange is told the orders whose shipments
// changed; it must not block.
func New(database *database.DB, onChange func(orderIDs []string)) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader())), onChange: onChange}
}

// ErrNotFound is the answer for an order without a shipment, or somebody else's.
func ErrNotFound(orderID string) error {
	return fault.NotFound("SHIPMENT_NOT_FOUND", "Order %s of yours has no shipment; one is made when the order is paid.", orderID)
}

// ErrNoParcel is the answer for a shipment's id that does not exist.
func ErrNoParcel(id string) error {
	return fault.NotFound("SHIPMENT_NOT_FOUND", "There is no shipment %s.", id)
}
