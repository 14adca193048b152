package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// AcquireLease reports whether holder has the lease of that name until now + ttl: because it was free or had run out, or
// because holder had it already and so renews it. Holders' clocks should agree to much less than ttl; work done under a
// lease must stay correct, if slower, when two hold it for a moment.
func AcquireLease(ctx context.Context, db *database.DB, name, holder string, ttl time.Duration, now time.Time) (acquired bool, err error) {
	now = now.UTC()
	err = db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		affected, err := tx.Exec(ctx, `INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE leases.holder = excluded.holder OR leases.expires_at <= ?`, name, holder, now.Add(ttl), now)
		acquired = affected == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("acquiring lease %s: %w", name, err)
	}
	return acquired, nil
}

// DropLeases frees all leases, whoever holds them. It is for a process that has the database to itself: whoever held one died.
func DropLeases(ctx context.Context, db *database.DB) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM leases")
		return err
	})
	if err != nil {
		return fmt.Errorf("dropping leases: %w", err)
	}
	return nil
}

// ReleaseLease frees the lease for others if holder has it.
func ReleaseLease(ctx context.Context, db *database.DB, name, holder string) error {
	err := db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM leases WHERE name = ? AND holder = ?", name, holder)
		return err
	})
	if err != nil {
		return fmt.Errorf("releasing lease %s: %w", name, err)
	}
	return nil
}
