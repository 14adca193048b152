package database

import (
	"context"
	"database/sql"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Source reads how busy the connections to the database are.
func (db *DB) Source() telemetry.Source {
	const count, limit, waits, waited = "db.client.connection.count", "db.client.connection.max", "taproom.db.waits", "taproom.db.wait_time"
	pools := map[string]*sql.DB{"read": db.read, "write": db.write}
	if db.read == db.write {
		pools = map[string]*sql.DB{"all": db.write}
	}
	return telemetry.Source{
		Name: "database pool", Every: 5 * time.Second,
		Metrics: []telemetry.Metric{
			{Name: count, Unit: "{connection}", Description: "Open connections by state, idle or used."},
			{Name: limit, Unit: "{connection}", Description: "Connections that may be open at once."},
			{Name: waits, Unit: "{wait}", Description: "How often a statement had to wait for a connection.", Counter: true},
			{Name: waited, Unit: "s", Description: "How long statements have waited for connections, together.", Counter: true},
		},
		Read: func(_ context.Context, tell telemetry.Tell) error {
			for name, pool := range pools {
				stats, label := pool.Stats(), attribute.String("db.client.connection.pool.name", name)
				tell(count, float64(stats.Idle), label, attribute.String("db.client.connection.state", "idle"))
				tell(count, float64(stats.InUse), label, attribute.String("db.client.connection.state", "used"))
				tell(limit, float64(stats.MaxOpenConnections), label)
				tell(waits, float64(stats.WaitCount), label)
				tell(waited, stats.WaitDuration.Seconds(), label)
			}
			return nil
		},
	}
}
