package store

import (
	"context"
	"time"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/invariant"
)

// CheckInvariants checks the rules that shipments must obey by themselves, at the time now.
func (s *Store) CheckInvariants(ctx context.Context, now time.Time) ([]*typev1.Invariant, error) {
	return invariant.Check(ctx, s.db, now,
		invariant.Rule{
			Name:        "shipping.one_per_order",
			Description: "An order has at most one shipment.",
			Count:       `SELECT count(*) FROM shipments`,
			Broken:      `SELECT order_id, 'has ' || count(*) || ' shipments', NULL FROM shipments GROUP BY order_id HAVING count(*) > 1`,
		},
		invariant.Rule{
			Name:        "shipping.states",
			Description: "A shipment that was stopped or recalled says why, and only who was handed it makes way.",
			Count:       `SELECT count(*) FROM shipments`,
			Broken: `SELECT id, 'is ' || state || ', reason "' || reason || '", on step ' || step, NULL FROM shipments
				WHERE (reason <> '') <> (state IN ('STOPPED', 'RETURNING', 'RETURNED'))
				OR (progress > 0 OR step > 0) AND state IN ('CREATED', 'ASSEMBLING', 'ASSEMBLED', 'STOPPED')
				OR progress < 100 AND state = 'DELIVERED'
				OR (carried_by <> '') <> (state IN ('HANDED_OVER', 'DELIVERED', 'RETURNING', 'RETURNED'))
				OR step > 0 AND carried_by <> 'COURIER'
				OR method_id = '' AND state <> 'STOPPED'`,
		},
		invariant.Outbox("shipping"),
	)
}
