package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// Source reads where orders stand.
func (s *Store) Source(clock func() time.Time) telemetry.Source {
	const orders, age, overdue = "taproom.orders", "taproom.saga.age", "taproom.saga.overdue"
	return telemetry.Source{
		Name: "orders", Every: 10 * time.Second,
		Metrics: []telemetry.Metric{
			{Name: orders, Unit: "{order}", Description: "Orders by state."},
			{Name: age, Unit: "s", Description: "How long ago the oldest order that is still pending was placed."},
			{Name: overdue, Unit: "s", Description: "How long an order is pending past its deadline."},
		},
		Read: func(ctx context.Context, tell telemetry.Tell) error {
			rows, err := s.db.Query(ctx, "SELECT state, count(*) FROM orders GROUP BY state")
			if err != nil {
				return fmt.Errorf("counting orders: %w", err)
			}
			defer rows.Close()
			counts := make(map[domain.State]int64)
			for rows.Next() {
				var state domain.State
				var count int64
				if err := rows.Scan(&state, &count); err != nil {
					return fmt.Errorf("counting orders: %w", err)
				}
				counts[state] = count
			}
			if err := rows.Err(); err != nil {
				return fmt.Errorf("counting orders: %w", err)
			}
			for _, state := range domain.States() {
				tell(orders, float64(counts[state]), attribute.String("state", string(state)))
			}
			placed, err := s.oldestPending(ctx, "placed_at", clock())
			if err != nil {
				return err
			}
			expires, err := s.oldestPending(ctx, "expires_at", clock())
			if err != nil {
				return err
			}
			tell(age, placed.Seconds())
			tell(overdue, expires.Seconds())
			return nil
		},
	}
}

// oldestPending returns how long before now the earliest time of pending orders in a column is, 0 when it is yet to come.
func (s *Store) oldestPending(ctx context.Context, column string, now time.Time) (time.Duration, error) {
	var earliest time.Time
	err := s.db.QueryRow(ctx, "SELECT "+column+" FROM orders WHERE state = 'PENDING' ORDER BY "+column+" LIMIT 1").Scan(&earliest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the oldest order: %w", err)
	}
	return max(now.Sub(earliest), 0), nil
}
