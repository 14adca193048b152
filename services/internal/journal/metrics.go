package journal

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Source reads how the outbox of db is doing.
func Source(db *database.DB) telemetry.Source {
	const pending, oldest, setAside, events = "taproom.outbox.pending", "taproom.outbox.oldest_age", "taproom.outbox.set_aside", "taproom.outbox.events"
	return telemetry.Source{
		Name: "outbox", Every: 5 * time.Second,
		Metrics: []telemetry.Metric{
			{Name: pending, Unit: "{event}", Description: "Events committed and not yet published, those set aside among them."},
			{Name: oldest, Unit: "s", Description: "How long the oldest event has waited to be published."},
			{Name: setAside, Unit: "{event}", Description: "Events that the broker refuses and that wait for somebody to look at them."},
			{Name: events, Unit: "{event}", Description: "Events that this process has committed to the outbox, by type.", Counter: true},
		},
		Read: func(ctx context.Context, tell telemetry.Tell) error {
			for name, count := range Appended(db) {
				tell(events, float64(count), attribute.String("event", name))
			}
			waiting, age, err := OutboxAge(ctx, db, db.Now())
			if err != nil {
				return err
			}
			var refused int64
			if err := db.QueryRow(ctx, "SELECT count(*) FROM outbox WHERE published_at IS NULL AND set_aside_at IS NOT NULL").Scan(&refused); err != nil {
				return fmt.Errorf("counting the outbox: %w", err)
			}
			tell(pending, float64(waiting))
			tell(oldest, age.Seconds())
			tell(setAside, float64(refused))
			return nil
		},
	}
}
