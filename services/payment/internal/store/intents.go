package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db/intent"
)

// IntentsSignal is the name of the database's signal that tells of new intents.
const IntentsSignal = "payment.intents"

// Intent is something that the card provider is to do.
type Intent struct {
	ID        string
	SubjectID string // the payment's id or, for a charge, the top-up's
	Operation domain.Operation
	Attempts  int // this one included
}

// Key names the operation to the provider, which carries out each key once.
func (i Intent) Key() string { return Key(i.SubjectID, i.Operation) }

// Key names an operation on a payment or top-up to the provider, which carries out each key once.
func Key(subjectID string, op domain.Operation) string { return string(op) + ":" + subjectID }

// OpenIntent keeps what the provider is to do until CloseIntent, and wakes those who carry intents out.
func OpenIntent(ctx context.Context, tx *database.Tx, subjectID string, op domain.Operation, now time.Time) error {
	tx.AfterCommit(tx.Signal(IntentsSignal).Notify)
	return insertIntent(ctx, tx, subjectID, op, 0, now, now)
}

// OpenClaimedIntent is OpenIntent for a caller who carries it out at once. Others take it up when the lease has run out.
func OpenClaimedIntent(ctx context.Context, tx *database.Tx, subjectID string, op domain.Operation, lease time.Duration, now time.Time) error {
	return insertIntent(ctx, tx, subjectID, op, 1, now.Add(lease), now)
}

func insertIntent(ctx context.Context, tx *database.Tx, subjectID string, op domain.Operation, attempts int, next, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO intents (id, subject_id, operation, attempts, next_attempt_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id.String(), subjectID, string(op), attempts, next, now, now); err != nil {
		return fmt.Errorf("open intent %s of %s: %w", op, subjectID, err)
	}
	return nil
}

// WithdrawIntent closes an intent that nobody has set out to do. It reports false when the provider may have heard of it.
func WithdrawIntent(ctx context.Context, tx *database.Tx, subjectID string, op domain.Operation, now time.Time) (bool, error) {
	affected, err := tx.Exec(ctx, `UPDATE intents SET open = false, updated_at = ? WHERE subject_id = ? AND operation = ? AND open AND attempts = 0`,
		now, subjectID, string(op))
	if err != nil {
		return false, fmt.Errorf("withdraw intent %s of %s: %w", op, subjectID, err)
	}
	return affected == 1, nil
}

// CloseIntent ends an intent whose outcome is known.
func CloseIntent(ctx context.Context, tx *database.Tx, subjectID string, op domain.Operation, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE intents SET open = false, last_error = '', updated_at = ? WHERE subject_id = ? AND operation = ? AND open`,
		now, subjectID, string(op)); err != nil {
		return fmt.Errorf("close intent %s of %s: %w", op, subjectID, err)
	}
	return nil
}

// IntentsDue reports whether an intent waits to be claimed.
func (s *Store) IntentsDue(ctx context.Context, now time.Time) (bool, error) {
	due, err := s.read.Intent.Query().Where(intent.Open(true), intent.NextAttemptAtLTE(now)).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for intents: %w", err)
	}
	return due, nil
}

// ClaimIntents takes up to limit intents that are due. Nobody else gets them before the lease has run out.
func ClaimIntents(ctx context.Context, tx *database.Tx, limit int, lease time.Duration, now time.Time) ([]Intent, error) {
	lock := ""
	if tx.Dialect() == dialect.Postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	rows, err := tx.Query(ctx, `WITH due AS MATERIALIZED (SELECT id FROM intents WHERE open AND next_attempt_at <= ? ORDER BY next_attempt_at LIMIT ?`+lock+`)
		UPDATE intents SET attempts = attempts + 1, next_attempt_at = ?, updated_at = ? FROM due WHERE intents.id = due.id
		RETURNING intents.id, subject_id, operation, attempts`, now, limit, now.Add(lease), now)
	if err != nil {
		return nil, fmt.Errorf("claim intents: %w", err)
	}
	defer rows.Close()
	var claimed []Intent
	for rows.Next() {
		var i Intent
		if err := rows.Scan(&i.ID, &i.SubjectID, &i.Operation, &i.Attempts); err != nil {
			return nil, fmt.Errorf("claim intents: %w", err)
		}
		claimed = append(claimed, i)
	}
	return claimed, rows.Err()
}

// FreeIntents makes all open intents due, claimed ones too. Who had claimed one and still lives may carry it out once more, which
// its key makes harmless.
func FreeIntents(ctx context.Context, tx *database.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE intents SET next_attempt_at = ?, updated_at = ? WHERE open AND next_attempt_at > ?`, now, now, now); err != nil {
		return fmt.Errorf("free intents: %w", err)
	}
	return nil
}

// PostponeIntent gives up the claim on an intent that isn't done, until next. It does nothing when the intent was closed or
// claimed anew meanwhile.
func PostponeIntent(ctx context.Context, tx *database.Tx, i Intent, next time.Time, why string, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE intents SET next_attempt_at = ?, last_error = ?, updated_at = ? WHERE id = ? AND open AND attempts = ?`,
		next, why, now, i.ID, i.Attempts); err != nil {
		return fmt.Errorf("postpone intent: %w", err)
	}
	return nil
}
