// Package store keeps accounts, sessions and addresses. What is decided about an account is decided under the lock of its
// row, and state, events and announcements are written in one transaction.
package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/user"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

//go:embed migrations
var files embed.FS

// Migrations are the versions of the service's tables.
var Migrations = database.Migrations{Name: "user", FS: migrations()}

func migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is well-formed
	}
	return sub
}

// Store is the service's database.
type Store struct {
	db    *database.DB
	read  *entdb.Client
	vault *vault.Vault
}

// New returns the store in db, which seals personal data in events with keys of v.
func New(db *database.DB, v *vault.Vault) *Store {
	return &Store{db: db, read: entdb.NewClient(entdb.Driver(db.Reader())), vault: v}
}

func writer(tx *database.Tx) *entdb.Client { return entdb.NewClient(entdb.Driver(tx.Driver())) }

// lockUser reads an account and keeps others from changing it until the transaction ends. SQLite has one writer anyway.
func lockUser(ctx context.Context, tx *database.Tx, id string) (*entdb.User, error) {
	query := writer(tx).User.Query().Where(user.ID(id), user.DeletedAtIsNil())
	if tx.Dialect() == dialect.Postgres {
		query.ForUpdate()
	}
	row, err := query.Only(ctx)
	if entdb.IsNotFound(err) {
		return nil, notFound()
	}
	if err != nil {
		return nil, fmt.Errorf("lock user: %w", err)
	}
	return row, nil
}

func notFound() error {
	return fault.NotFound("USER_NOT_FOUND", "there is no account with this id")
}
