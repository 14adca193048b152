package store

import (
	"context"
	"fmt"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db/payment"
)

// InsertPayment begins the payment of an order. It reports false, and does nothing, when the order has one or a tombstone.
func InsertPayment(ctx context.Context, tx *database.Tx, p domain.Payment) (bool, error) {
	affected, err := tx.Exec(ctx, `INSERT INTO payments (id, order_id, user_id, method, state, amount, currency, cancel_requested,
		decline_reason, card_token, hold_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (order_id) DO NOTHING`,
		p.ID, p.OrderID, p.UserID, string(p.Method), string(p.State), p.Amount, domain.Currency, p.CancelRequested,
		p.DeclineReason, p.CardToken, p.HoldID, p.CreatedAt, p.UpdatedAt)
	if err != nil {
		return false, fmt.Errorf("insert payment: %w", err)
	}
	return affected == 1, nil
}

// AdvancePayment writes after over before. It reports false, and does nothing, when the payment is no longer as before.
func AdvancePayment(ctx context.Context, tx *database.Tx, before, after domain.Payment) (bool, error) {
	affected, err := tx.Exec(ctx, `UPDATE payments SET state = ?, cancel_requested = ?, captured = ?, refunded = ?, decline_reason = ?,
		hold_id = ?, updated_at = ? WHERE id = ? AND state = ? AND cancel_requested = ?`,
		string(after.State), after.CancelRequested, after.Captured, after.Refunded, after.DeclineReason, after.HoldID, after.UpdatedAt,
		before.ID, string(before.State), before.CancelRequested)
	if err != nil {
		return false, fmt.Errorf("update payment: %w", err)
	}
	return affected == 1, nil
}

// PaymentOfOrder returns the payment of an order as the transaction sees it; found is false when there is none.
func PaymentOfOrder(ctx context.Context, tx *database.Tx, orderID string) (p domain.Payment, found bool, err error) {
	return onePayment(ctx, inside(tx).Payment.Query().Where(payment.OrderID(orderID)))
}

// PaymentByID returns a payment as the transaction sees it; found is false when there is none.
func PaymentByID(ctx context.Context, tx *database.Tx, id string) (p domain.Payment, found bool, err error) {
	return onePayment(ctx, inside(tx).Payment.Query().Where(payment.ID(id)))
}

// Payment returns a payment; found is false when there is none.
func (s *Store) Payment(ctx context.Context, id string) (p domain.Payment, found bool, err error) {
	return onePayment(ctx, s.read.Payment.Query().Where(payment.ID(id)))
}

// Payments returns up to limit payments, newest first: those with ids before the one given, "" for the newest, and only of
// one order unless orderID is "". Tombstones are no payments.
func (s *Store) Payments(ctx context.Context, orderID, before string, limit int) ([]domain.Payment, error) {
	query := s.read.Payment.Query().Where(payment.MethodNEQ(""))
	if orderID != "" {
		query.Where(payment.OrderID(orderID))
	}
	if before != "" {
		query.Where(payment.IDLT(before))
	}
	rows, err := query.Order(db.Desc(payment.FieldID)).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	payments := make([]domain.Payment, len(rows))
	for i, row := range rows {
		payments[i] = toPayment(row)
	}
	return payments, nil
}

func onePayment(ctx context.Context, query *db.PaymentQuery) (domain.Payment, bool, error) {
	row, err := query.Only(ctx)
	switch {
	case db.IsNotFound(err):
		return domain.Payment{}, false, nil
	case err != nil:
		return domain.Payment{}, false, fmt.Errorf("read payment: %w", err)
	}
	return toPayment(row), true, nil
}

func toPayment(row *db.Payment) domain.Payment {
	return domain.Payment{
		ID: row.ID, OrderID: row.OrderID, UserID: row.UserID, Method: domain.Method(row.Method), State: domain.State(row.State),
		Amount: row.Amount, Captured: row.Captured, Refunded: row.Refunded, CancelRequested: row.CancelRequested,
		DeclineReason: row.DeclineReason, CardToken: row.CardToken, HoldID: row.HoldID,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
