// Package store keeps what queries read of carts: a projection of their events.
package store

import (
	"context"
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/ent/db"
	"github.com/taproom-shop/taproom/services/cart/internal/ent/db/cart"
	"github.com/taproom-shop/taproom/services/internal/database"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the versioned migrations of the cart service's tables.
func Migrations() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "cart", FS: files}
}

// WriteSchema writes the statements that would make the tables behind drv what the ent schema says: none, when the
// migrations are complete.
func WriteSchema(ctx context.Context, drv dialect.Driver, w io.Writer) error {
	return db.NewClient(db.Driver(drv)).Schema.WriteTo(ctx, w)
}

// Store reads and writes the projection.
type Store struct {
	db   *database.DB
	read *db.Client
}

// New returns a store on an open, migrated database.
func New(database *database.DB) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader()))}
}

// Get answers a cart. One that was never used is empty, of version 0.
func (s *Store) Get(ctx context.Context, id string) (*domain.Cart, error) {
	row, err := s.read.Cart.Get(ctx, id)
	if db.IsNotFound(err) {
		return &domain.Cart{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	return &domain.Cart{ID: id, Items: row.Items, Version: row.Version, UpdatedAt: row.UpdatedAt.UTC(), Guest: row.Guest}, nil
}

// Lock makes others who project or delete these carts wait until tx ends. Who folds a cart and then writes it does so under
// the lock, so that a cart that is deleted meanwhile does not come back. SQLite has one writer at a time anyway.
func Lock(ctx context.Context, tx *database.Tx, ids ...string) error {
	if tx.Dialect() != dialect.Postgres || len(ids) == 0 {
		return nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	// In one order, so that projectors that meet don't deadlock.
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM (VALUES `+database.Tuples(len(ids), 1)+` ORDER BY 1) AS carts (id)`, args...)
	return err
}

// Put writes carts, each unless a newer version of it is there already.
func Put(ctx context.Context, tx *database.Tx, carts []*domain.Cart) error {
	if len(carts) == 0 {
		return nil
	}
	// In one order, as Lock takes them.
	slices.SortFunc(carts, func(a, b *domain.Cart) int { return strings.Compare(a.ID, b.ID) })
	args := make([]any, 0, 5*len(carts))
	for _, c := range carts {
		items, err := json.Marshal(c.Items)
		if err != nil {
			return err
		}
		args = append(args, c.ID, c.Guest, string(items), c.Version, c.UpdatedAt)
	}
	_, err := tx.Exec(ctx, `INSERT INTO carts (id, guest, items, version, updated_at) VALUES `+
		database.Tuples(len(carts), 5)+
		` ON CONFLICT (id) DO UPDATE SET guest = excluded.guest, items = excluded.items, version = excluded.version, updated_at = excluded.updated_at
		WHERE excluded.version > carts.version`, args...)
	return err
}

// Remove takes carts out of the projection, to be written anew.
func Remove(ctx context.Context, tx *database.Tx, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	_, err := tx.Exec(ctx, `DELETE FROM carts WHERE id IN `+database.Tuples(1, len(ids)), args...)
	return err
}

// IDs answers the ids of all carts that the projection has.
func (s *Store) IDs(ctx context.Context) ([]string, error) { return s.read.Cart.Query().IDs(ctx) }

// Delete forgets a cart.
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := Lock(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM carts WHERE id = ?`, id)
		return err
	})
}

// OldGuests answers guests' carts that have not changed since a time, the oldest first.
func (s *Store) OldGuests(ctx context.Context, before time.Time, limit int) ([]string, error) {
	return s.read.Cart.Query().Where(cart.Guest(true), cart.UpdatedAtLT(before)).Order(db.Asc(cart.FieldUpdatedAt)).Limit(limit).IDs(ctx)
}
