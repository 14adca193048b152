package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

func each(t *testing.T, test func(t *testing.T, db *database.DB, s *store.Store)) {
	databasetest.Each(t, []database.Migrations{journal.Migrations, store.Migrations()}, func(t *testing.T, db *database.DB) {
		test(t, db, store.New(db))
	})
}

var day = time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

func cart(id string, version int64, quantity int32) *domain.Cart {
	return &domain.Cart{ID: id, Items: []domain.Item{{BeerID: "beer", Quantity: quantity}}, Version: version, UpdatedAt: day}
}

func put(t *testing.T, db *database.DB, carts ...*domain.Cart) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return store.Put(ctx, tx, carts)
	}))
}

func TestMigrationsMatchTheSchema(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, _ *store.Store) {
		databasetest.AssertCurrent(t, db, store.WriteSchema)
	})
}

func TestAnOlderCartNeverReplacesANewerOne(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		put(t, db, cart("b", 3, 30), cart("a", 1, 10))
		put(t, db, cart("a", 2, 20), cart("b", 2, 20))
		put(t, db, cart("b", 3, 99))
		put(t, db)
		for id, want := range map[string]*domain.Cart{"a": cart("a", 2, 20), "b": cart("b", 3, 30), "c": {ID: "c"}} {
			got, err := s.Get(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	})
}

func TestOldGuestsAreFoundByTheirAge(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		for i, id := range []string{"young", "old", "older", "customer"} {
			c := cart(id, 1, 1)
			c.Guest, c.UpdatedAt = id != "customer", day.AddDate(0, 0, -i*20)
			put(t, db, c)
		}
		ids, err := s.OldGuests(t.Context(), day.AddDate(0, 0, -10), 10)
		require.NoError(t, err)
		require.Equal(t, []string{"older", "old"}, ids)
		ids, err = s.OldGuests(t.Context(), day.AddDate(0, 0, -10), 1)
		require.NoError(t, err)
		require.Equal(t, []string{"older"}, ids)
	})
}

// A projector that has folded a cart and not yet written it must not bring back what is deleted at that moment.
func TestADeletedCartDoesNotComeBack(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		deleted := make(chan error, 1)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			require.NoError(t, store.Lock(ctx, tx, "b", "a"))
			go func() { deleted <- s.Delete(t.Context(), "a") }()
			if tx.Dialect() == "postgres" { // SQLite lets nobody else write anyway
				require.Eventually(t, func() bool {
					var waiting int
					require.NoError(t, db.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
						AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting))
					return waiting == 1
				}, 10*time.Second, time.Millisecond)
			}
			require.Empty(t, deleted)
			return store.Put(ctx, tx, []*domain.Cart{cart("a", 1, 1)})
		}))
		require.NoError(t, <-deleted)
		got, err := s.Get(t.Context(), "a")
		require.NoError(t, err)
		require.Zero(t, got.Version)
	})
}
