package cache

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// counts are how often answers came from where.
type counts struct{ memory, redis, source atomic.Int64 }

// Source reads where the cache's answers came from.
func (c *Cache) Source() telemetry.Source {
	const answers = "taproom.cache.answers"
	return telemetry.Source{
		Name: "cache", Every: 5 * time.Second,
		Metrics: []telemetry.Metric{{
			Name: answers, Unit: "{answer}", Counter: true,
			Description: "Answers from this process's memory, from Redis, and built from the source. Those who wait for the same answer count once.",
		}},
		Read: func(_ context.Context, tell telemetry.Tell) error {
			for from, count := range map[string]*atomic.Int64{"memory": &c.counts.memory, "redis": &c.counts.redis, "source": &c.counts.source} {
				tell(answers, float64(count.Load()), attribute.String("from", from))
			}
			return nil
		},
	}
}
