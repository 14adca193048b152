package store

import (
	"context"
	"time"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/invariant"
)

// CheckInvariants checks the rules that orders must obey by themselves, at the time now.
func (s *Store) CheckInvariants(ctx context.Context, now time.Time) ([]*typev1.Invariant, error) {
	return invariant.Check(ctx, s.db, now,
		invariant.Rule{
			Name:        "order.pending_deadline",
			Description: "No order is pending past its deadline.",
			Count:       `SELECT count(*) FROM orders WHERE state = 'PENDING'`,
			Broken:      `SELECT id, 'is still pending', expires_at FROM orders WHERE state = 'PENDING' AND expires_at <= ?`,
			Args:        []any{now},
		},
		invariant.Rule{
			Name:        "order.totals",
			Description: "An order's lines add up to its subtotal, and with shipping to its total.",
			Count:       `SELECT count(*) FROM orders`,
			Broken: `SELECT o.id, 'does not add up', NULL FROM orders o
				LEFT JOIN (SELECT order_id, sum(quantity * unit_price) AS amount FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
				WHERE o.total <> o.subtotal + o.shipping OR l.amount IS NULL OR l.amount <> o.subtotal`,
		},
		invariant.Rule{
			Name:        "order.paid_means_captured",
			Description: "From PAID on the money of an order is captured.",
			Count:       `SELECT count(*) FROM orders WHERE state NOT IN ('PENDING', 'CANCELLED')`,
			Broken:      `SELECT id, 'is paid without a capture', NULL FROM orders WHERE state NOT IN ('PENDING', 'CANCELLED') AND money <> 'CAPTURED'`,
		},
		invariant.Rule{
			Name:        "order.cancelled_keeps_no_money",
			Description: "A cancelled order neither holds nor keeps money.",
			Count:       `SELECT count(*) FROM orders WHERE state = 'CANCELLED'`,
			Broken:      `SELECT id, 'has money ' || money, updated_at FROM orders WHERE state = 'CANCELLED' AND money IN ('AUTHORIZED', 'CAPTURED')`,
		},
		invariant.Outbox("order"),
	)
}
