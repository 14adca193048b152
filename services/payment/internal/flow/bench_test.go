package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/provider/simulated"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// A hundred orders a transaction, as a consumer that is behind takes them: held, then captured.
func BenchmarkOrders(b *testing.B) {
	migrations := []database.Migrations{journal.Migrations, store.Migrations, simulated.Migrations}
	for name, open := range map[string]func(testing.TB, ...database.Migrations) *database.DB{
		"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres,
	} {
		b.Run(name, func(b *testing.B) {
			const batch = 100
			w := newWorld(b, open(b, migrations...))
			users := make([]string, batch)
			for i := range users {
				users[i] = newID()
				w.deposit(b, users[i], 1<<30)
			}
			orders := 0
			for b.Loop() {
				placed, confirmed := make([]messaging.Message, batch), make([]messaging.Message, batch)
				for i, user := range users {
					o := newOrder(user, 100, byWallet())
					placed[i], confirmed[i] = o.placed(), o.confirmed()
				}
				for _, msgs := range [][]messaging.Message{placed, confirmed} {
					for _, outcome := range w.orders.Process(b.Context(), msgs) {
						require.NoError(b, outcome.Err)
					}
				}
				orders += batch
			}
			b.ReportMetric(float64(orders)/b.Elapsed().Seconds(), "orders/s")
		})
	}
}
