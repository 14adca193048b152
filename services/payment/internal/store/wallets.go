package store

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
)

// Wallet returns the user's wallet; a user who never had one has an empty one.
func (s *Store) Wallet(ctx context.Context, userID string) (domain.Wallet, error) {
	row, err := s.read.Wallet.Get(ctx, userID)
	switch {
	case db.IsNotFound(err):
		return domain.Wallet{UserID: userID}, nil
	case err != nil:
		return domain.Wallet{}, fmt.Errorf("read wallet: %w", err)
	}
	return toWallet(row), nil
}

func toWallet(row *db.Wallet) domain.Wallet {
	return domain.Wallet{UserID: row.ID, Balance: row.Balance, Held: row.Held, Incoming: row.Incoming, Version: row.Version}
}

// LockWallet makes sure that the user has a wallet and keeps others from changing it until the transaction ends.
func LockWallet(ctx context.Context, tx *database.Tx, userID string, now time.Time) error {
	if _, err := tx.Exec(ctx, `INSERT INTO wallets (user_id, currency, updated_at) VALUES (?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET updated_at = excluded.updated_at`, userID, domain.Currency, now); err != nil {
		return fmt.Errorf("open wallet: %w", err)
	}
	return nil
}

// HoldWallet lets nobody top the user's wallet up until then, and returns the wallet, which can't change until the transaction
// ends. A hold that has passed, or has the same id, gives way; held is false when another lasts.
func HoldWallet(ctx context.Context, tx *database.Tx, userID, holdID string, until, now time.Time) (w domain.Wallet, held bool, err error) {
	affected, err := tx.Exec(ctx, `INSERT INTO wallets (user_id, currency, hold_id, held_until, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET hold_id = excluded.hold_id, held_until = excluded.held_until
		WHERE wallets.hold_id = excluded.hold_id OR wallets.held_until IS NULL OR wallets.held_until <= ?`,
		userID, domain.Currency, holdID, until, now, now)
	if err != nil || affected == 0 {
		return domain.Wallet{}, false, err
	}
	row, err := inside(tx).Wallet.Get(ctx, userID)
	if err != nil {
		return domain.Wallet{}, false, fmt.Errorf("read wallet: %w", err)
	}
	return toWallet(row), true, nil
}

// WalletHeld reports whether the user's wallet, which must be locked, can't be topped up now.
func WalletHeld(ctx context.Context, tx *database.Tx, userID string, now time.Time) (bool, error) {
	row, err := inside(tx).Wallet.Get(ctx, userID)
	if err != nil {
		return false, fmt.Errorf("read wallet: %w", err)
	}
	return row.HeldUntil != nil && row.HeldUntil.After(now), nil
}

// Expect makes room for a top-up in the user's wallet, which must be there. It reports false when the wallet would then hold
// more than limit.
func Expect(ctx context.Context, tx *database.Tx, userID string, amount, limit int64, now time.Time) (bool, error) {
	affected, err := tx.Exec(ctx, `UPDATE wallets SET incoming = incoming + ?, updated_at = ? WHERE user_id = ? AND balance + incoming + ? <= ?`,
		amount, now, userID, amount, limit)
	if err != nil {
		return false, fmt.Errorf("expect top-up: %w", err)
	}
	return affected == 1, nil
}

// Forgo gives up the room that Expect made, since the money won't come.
func Forgo(ctx context.Context, tx *database.Tx, userID string, amount int64, now time.Time) error {
	affected, err := tx.Exec(ctx, `UPDATE wallets SET incoming = incoming - ?, updated_at = ? WHERE user_id = ? AND incoming >= ?`,
		amount, now, userID, amount)
	if err != nil {
		return fmt.Errorf("forgo top-up: %w", err)
	}
	if affected != 1 {
		return fmt.Errorf("the wallet of %s does not expect a top-up of %d", userID, amount)
	}
	return nil
}
