package store

import (
	"context"
	"fmt"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
)

// InsertTopUp remembers a top-up that is to be carried out. It reports false, and does nothing, when it is remembered already.
func InsertTopUp(ctx context.Context, tx *database.Tx, t domain.RequestedTopUp) (bool, error) {
	affected, err := tx.Exec(ctx, `INSERT INTO top_ups (id, user_id, request_id, card_id, card_token, amount, currency, state, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, request_id) DO NOTHING`,
		t.ID, t.UserID, t.RequestID, t.CardID, t.CardToken, t.Amount, domain.Currency, string(t.State), t.CreatedAt, t.UpdatedAt)
	if err != nil {
		return false, fmt.Errorf("insert top-up: %w", err)
	}
	return affected == 1, nil
}

// FinishTopUp writes down what became of a pending top-up. It reports false, and does nothing, when that is written already.
func FinishTopUp(ctx context.Context, tx *database.Tx, t domain.RequestedTopUp) (bool, error) {
	affected, err := tx.Exec(ctx, `UPDATE top_ups SET state = ?, decline_reason = ?, updated_at = ? WHERE id = ? AND state = ?`,
		string(t.State), t.DeclineReason, t.UpdatedAt, t.ID, string(domain.TopUpPending))
	if err != nil {
		return false, fmt.Errorf("finish top-up: %w", err)
	}
	return affected == 1, nil
}

// RememberAnswer keeps the wallet that a top-up led to, which is the answer to every repeat.
func RememberAnswer(ctx context.Context, tx *database.Tx, id string, w domain.Wallet) error {
	_, err := tx.Exec(ctx, `UPDATE top_ups SET wallet_balance = ?, wallet_held = ?, wallet_version = ? WHERE id = ?`,
		w.Balance, w.Held, w.Version, id)
	if err != nil {
		return fmt.Errorf("remember answer of top-up: %w", err)
	}
	return nil
}

// TopUpByID returns a top-up as the transaction sees it; found is false when there is none.
func TopUpByID(ctx context.Context, tx *database.Tx, id string) (t domain.RequestedTopUp, found bool, err error) {
	return oneTopUp(inside(tx).TopUp.Get(ctx, id))
}

// TopUp returns a top-up; found is false when there is none.
func (s *Store) TopUp(ctx context.Context, id string) (t domain.RequestedTopUp, found bool, err error) {
	return oneTopUp(s.read.TopUp.Get(ctx, id))
}

func oneTopUp(row *db.TopUp, err error) (domain.RequestedTopUp, bool, error) {
	switch {
	case db.IsNotFound(err):
		return domain.RequestedTopUp{}, false, nil
	case err != nil:
		return domain.RequestedTopUp{}, false, fmt.Errorf("read top-up: %w", err)
	}
	return domain.RequestedTopUp{
		ID: row.ID, UserID: row.UserID, RequestID: row.RequestID, CardID: row.CardID, CardToken: row.CardToken, Amount: row.Amount,
		State: domain.TopUpState(row.State), DeclineReason: row.DeclineReason,
		Wallet:    domain.Wallet{UserID: row.UserID, Balance: row.WalletBalance, Held: row.WalletHeld, Version: row.WalletVersion},
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}, true, nil
}
