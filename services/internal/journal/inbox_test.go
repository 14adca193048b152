package journal_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

func TestFreshOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		fresh := func(consumer string, end error, ids ...string) (got map[string]bool) {
			require.ErrorIs(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
				got, err = journal.Fresh(ctx, tx, consumer, ids)
				require.NoError(t, err)
				return end
			}), end)
			return got
		}
		require.Empty(t, fresh("a", nil))
		require.Equal(t, map[string]bool{"1": true, "2": true}, fresh("a", errStop, "1", "2", "1"))
		require.Equal(t, map[string]bool{"1": true, "2": true}, fresh("a", nil, "1", "2", "1"), "what was rolled back is new")
		require.Equal(t, map[string]bool{"1": false, "3": true}, fresh("a", nil, "3", "1"))
		require.Equal(t, map[string]bool{"1": true}, fresh("b", nil, "1"), "each consumer has its own")
	})
}

func TestFreshAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ids := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
		var all sync.WaitGroup
		for i := range 16 {
			mine := slices.Clone(ids)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			all.Go(func() {
				err := db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					fresh, err := journal.Fresh(ctx, tx, "a", mine)
					if err != nil {
						return err
					}
					for _, id := range mine {
						if fresh[id] {
							if err := happen(ctx, tx, id); err != nil {
								return err
							}
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Equal(t, len(ids), count(t, db, "effects"))
	})
}
