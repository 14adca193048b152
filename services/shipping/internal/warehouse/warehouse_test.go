package warehouse_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
	"github.com/taproom-shop/taproom/services/shipping/internal/warehouse"
)

// Two warehouses at once assemble each shipment once, none before its time, and none that was stopped.
func TestAssembling(t *testing.T) {
	databasetest.Each(t, []database.Migrations{journal.Migrations, store.Migrations()}, func(t *testing.T, db *database.DB) {
		const n = 450
		shipments := store.New(db, func([]string) {})
		now := time.Now()
		happens := func(kind domain.Kind, orders ...int) {
			steps := make([]store.Step, len(orders))
			for i, order := range orders {
				steps[i] = store.Step{
					OrderID: fmt.Sprintf("order-%03d", order), UserID: "user", MethodID: "standard", At: now,
					Input: domain.Input{Kind: kind, Reason: "CUSTOMER", Request: 5},
				}
			}
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := shipments.Advance(ctx, tx, steps...)
				return err
			}))
		}
		var all []int
		for i := range n {
			all = append(all, i)
		}
		happens(domain.OrderPaid, all...)

		work := func() {
			var both sync.WaitGroup
			for range 2 {
				w := warehouse.New(db, shipments, 3*time.Second, func() time.Time { return now }, slog.New(slog.DiscardHandler))
				both.Go(func() {
					for more := true; more; {
						var err error
						if more, err = w.Assemble(t.Context()); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			both.Wait()
		}
		now = now.Add(time.Second)
		work()
		require.Equal(t, map[string]int{"ASSEMBLING": n}, states(t, db))
		happens(domain.StopRequested, 7)
		now = now.Add(2 * time.Second)
		work()
		require.Equal(t, map[string]int{"ASSEMBLING": n - 1, "STOPPED": 1}, states(t, db), "it is not yet time")
		now = now.Add(time.Second)
		work()
		require.Equal(t, map[string]int{"ASSEMBLED": n - 1, "STOPPED": 1}, states(t, db))
		require.Equal(t, n-1, count(t, db, `SELECT 'packages', count(*) FROM outbox WHERE stream = 'PACKAGES'`)["packages"])
	})
}

func states(t *testing.T, db *database.DB) map[string]int {
	return count(t, db, `SELECT state, count(*) FROM shipments GROUP BY state`)
}

func count(t *testing.T, db *database.DB, query string) map[string]int {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		require.NoError(t, rows.Scan(&key, &n))
		out[key] = n
	}
	require.NoError(t, rows.Err())
	return out
}
