package invariant

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// every is how often rules are checked for metrics. They read whole tables.
const every = time.Minute

// Source reads whether the rules of a service hold.
func Source(clock func() time.Time, check func(ctx context.Context, now time.Time) ([]*typev1.Invariant, error)) telemetry.Source {
	const status, age = "taproom.books.status", "taproom.books.age"
	return telemetry.Source{
		Name: "books", Every: every,
		Metrics: []telemetry.Metric{
			{Name: status, Description: "Whether a rule holds: 0 it does, 1 messages under way may explain that it does not, 2 it is broken."},
			{Name: age, Unit: "s", Description: "For how long a rule has not held."},
		},
		Read: func(ctx context.Context, tell telemetry.Tell) error {
			rules, err := check(ctx, clock())
			for _, rule := range rules {
				label := attribute.String("invariant", rule.GetName())
				tell(status, levels[rule.GetStatus()], label)
				tell(age, rule.GetAge().AsDuration().Seconds(), label)
			}
			return err
		},
	}
}

var levels = map[typev1.InvariantStatus]float64{
	typev1.InvariantStatus_INVARIANT_STATUS_OK:      0,
	typev1.InvariantStatus_INVARIANT_STATUS_PENDING: 1,
	typev1.InvariantStatus_INVARIANT_STATUS_BROKEN:  2,
}
