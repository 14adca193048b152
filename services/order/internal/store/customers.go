package store

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// A customer's row is what placing an order and holding the customer meet on: whoever comes second waits for the other's
// commit and sees what it did.

// Hold takes no orders from a user until then, and answers how many are under way: neither delivered nor cancelled, or
// cancelled with money that is still to be given back. A hold that has passed, or has the same id, gives way; another is
// ACCOUNT_CLOSING.
func (s *Store) Hold(ctx context.Context, userID, holdID string, until, now time.Time) (open int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		held, err := tx.Exec(ctx, `INSERT INTO customers (user_id, hold_id, held_until) VALUES (?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET hold_id = excluded.hold_id, held_until = excluded.held_until
			WHERE customers.hold_id = excluded.hold_id OR customers.held_until <= ?`, userID, holdID, until, now)
		if err != nil {
			return fmt.Errorf("hold customer: %w", err)
		}
		if held == 0 {
			return fault.Aborted("ACCOUNT_CLOSING", "The account is being deleted by somebody else; try again in a few minutes.")
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM orders WHERE user_id = ? AND (state NOT IN ('DELIVERED', 'CANCELLED')
			OR state = 'CANCELLED' AND money IN ('AUTHORIZED', 'CAPTURED'))`, userID).Scan(&open)
	})
	return open, err
}

// refuseHeld fails with ACCOUNT_CLOSING while the user is held, and keeps the user from being held until the transaction
// ends.
func refuseHeld(ctx context.Context, tx *database.Tx, userID string, now time.Time) error {
	free, err := tx.Exec(ctx, `INSERT INTO customers (user_id, hold_id, held_until) VALUES (?, '', ?)
		ON CONFLICT (user_id) DO UPDATE SET hold_id = customers.hold_id WHERE customers.held_until <= ?`, userID, now, now)
	if err != nil {
		return fmt.Errorf("look for a hold: %w", err)
	}
	if free == 0 {
		return fault.FailedPrecondition("ACCOUNT_CLOSING", "The account is being deleted, so nothing can be ordered. If it stays, try again in a few minutes.")
	}
	return nil
}
