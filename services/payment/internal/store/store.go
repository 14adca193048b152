// Package store keeps payments, the ledger, wallets and cards. What changes is changed by guarded statements: the number of
// rows they affect decides races.
package store

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
)

//go:embed migrations
var files embed.FS

// Migrations make the tables of this service.
var Migrations = migrations()

func migrations() database.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(fmt.Sprintf("payment: migrations: %v", err))
	}
	return database.Migrations{Name: "payment", FS: sub}
}

// Store reads what is committed.
type Store struct {
	db   *database.DB
	read *db.Client
}

// New returns the store that lies in database.
func New(database *database.DB) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader()))}
}

// inside returns an ent client that sees what the transaction sees.
func inside(tx *database.Tx) *db.Client { return db.NewClient(db.Driver(tx.Driver())) }
