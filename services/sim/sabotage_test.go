package sim_test

import (
	"context"
	"fmt"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// TestWhatIsBrokenIsFound breaks the shop on purpose, each time in one of the ways that the simulation is there to find.
func TestWhatIsBrokenIsFound(t *testing.T) {
	const runs = 8 // of which one at least must find it
	for name, broken := range map[string]sabotage{
		"acknowledges before it commits":     {ackBeforeCommit: true},
		"marks events before it publishes":   {markBeforePublish: true},
		"releases stock with every delivery": {consumers: releaseAgain},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= runs; seed++ {
				var found []string
				t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { found = simulate(t, seed, dialect.SQLite, broken).broken })
				if len(found) > 0 {
					t.Log(found[0])
					return
				}
			}
			require.Fail(t, "nothing was found")
		})
	}
}

// releaseAgain gives stock free whenever a cancellation is delivered, which no inbox remembers.
func releaseAgain(_ string, consumers []messaging.Consumer) []messaging.Consumer {
	for i := range consumers {
		if consumers[i].Name != "inventory-orders" {
			continue
		}
		handle := consumers[i].Batch
		consumers[i].Batch = func(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
			if err := handle(ctx, tx, events); err != nil {
				return err
			}
			for _, ev := range events {
				cancelled, ok := ev.Message.(*eventv1.OrderCancelled)
				if !ok {
					continue
				}
				if _, err := tx.Exec(ctx, "DELETE FROM inbox WHERE event_id = ?", ev.ID); err != nil {
					return err
				}
				for _, line := range cancelled.GetLines() {
					if _, err := tx.Exec(ctx, "UPDATE stock SET reserved = reserved - 1 WHERE beer_id = ? AND reserved > 0", line.GetBeerId()); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	return consumers
}
