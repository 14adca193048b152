package cart_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/cart"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// Whatever became of the projection, rebuilding makes it what the events say.
func TestTheProjectionCanBeRebuilt(t *testing.T) {
	databasetest.Each(t, cart.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db)
		r := s.start("cart")
		kept, lost, wrong := r.customer(), r.customer(), r.customer()
		beers := []string{newID(), newID(), newID()}
		for i, p := range []person{kept, lost, wrong} {
			p.add(t, beers[i], int32(i+1))
		}
		r.projectAll()
		ghost := newID()
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, change := range []struct {
				statement string
				args      []any
			}{
				{"DELETE FROM carts WHERE id = ?", []any{lost.id}},
				{"UPDATE carts SET items = '[]', version = 99 WHERE id = ?", []any{wrong.id}},
				{"INSERT INTO carts (id, guest, items, version, updated_at) SELECT ?, guest, items, version, updated_at FROM carts WHERE id = ?", []any{ghost, kept.id}},
			} {
				if _, err := tx.Exec(ctx, change.statement, change.args...); err != nil {
					return err
				}
			}
			return nil
		}))

		made, err := r.module.Rebuild(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, made)
		for i, p := range []person{kept, lost, wrong} {
			got := p.get(t, 0)
			requireItems(t, got, beers[i], i+1)
			require.EqualValues(t, 1, got.GetVersion())
		}
		var rows int
		require.NoError(t, db.QueryRow(t.Context(), "SELECT count(*) FROM carts").Scan(&rows))
		require.Equal(t, 3, rows, "a cart without events is gone")
	})
}
