package simulated

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
)

// operation is what was decided under a key.
type operation struct {
	kind, of, token string
	amount          int64
	status          provider.Status
	reason          string
	readyAt         time.Time // nothing is told before
	notices         int
}

func (o *operation) decline(reason string) { o.status, o.reason = provider.Declined, reason }

// once answers with what was decided under the key, deciding it if this is the first call: of several at once, in however many
// processes, one decides and the others get its answer.
func (p *Provider) once(ctx context.Context, key string, decide func(ctx context.Context, tx *database.Tx, now time.Time) (operation, error)) (provider.Answer, error) {
	var answer provider.Answer
	err := p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		answer = provider.Answer{Key: key}
		known := func() error {
			return tx.QueryRow(ctx, `SELECT status, reason FROM simulated_operations WHERE op_key = ?`, key).Scan(&answer.Status, &answer.Reason)
		}
		if err := known(); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		now := tx.Now()
		op, err := decide(ctx, tx, now)
		if err != nil {
			return err
		}
		if op.status == "" {
			op.status = provider.Succeeded
		}
		if op.readyAt.IsZero() {
			op.readyAt = now
		}
		answer.Status, answer.Reason = op.status, op.reason
		first, err := tx.Exec(ctx, `INSERT INTO simulated_operations (op_key, notice_id, kind, of_key, token, amount, status, reason, ready_at, notices, notice_at, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (op_key) DO NOTHING`,
			key, uuid.Must(uuid.NewV7()).String(), op.kind, op.of, op.token, op.amount, string(op.status), op.reason, op.readyAt, op.notices, op.readyAt, now)
		switch {
		case err != nil:
			return err
		case first == 0: // another call has decided meanwhile
			return known()
		}
		tx.AfterCommit(tx.Signal(noticesSignal).Notify)
		return nil
	})
	if err != nil {
		return provider.Answer{}, fmt.Errorf("carry out %s: %w", key, err)
	}
	return answer, nil
}

// about returns the operation on an earlier one that must match the condition, which has the amount as its parameter, and
// that none of the others may have settled yet; else a declined one.
func (p *Provider) about(ctx context.Context, tx *database.Tx, kind string, change provider.Change, condition, settled string) (operation, error) {
	op := operation{kind: kind, of: change.Of, amount: change.Amount}
	err := tx.QueryRow(ctx, `SELECT token FROM simulated_operations AS o WHERE op_key = ? AND status = 'succeeded' AND `+condition+`
		AND NOT EXISTS (SELECT 1 FROM simulated_operations WHERE of_key = o.op_key AND status = 'succeeded' AND `+settled+`)`,
		change.Of, change.Amount).Scan(&op.token)
	if errors.Is(err, sql.ErrNoRows) {
		op.decline(provider.ReasonNotAuthorized)
		return op, nil
	}
	return op, err
}

// card is a kept card.
type card struct {
	behaviour
	expMonth, expYear int
}

func cardOf(ctx context.Context, tx *database.Tx, token string) (c card, found bool, err error) {
	var behaves string
	err = tx.QueryRow(ctx, `SELECT behaves, exp_month, exp_year FROM simulated_cards WHERE token = ?`, token).Scan(&behaves, &c.expMonth, &c.expYear)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return card{behaviour: testCards[ordinary]}, false, nil
	case err != nil:
		return card{}, false, err
	}
	c.behaviour = testCards[behaves]
	return c, true, nil
}

// fail fails as often as the card of the authorisation wants its captures to.
func (p *Provider) fail(ctx context.Context, change provider.Change) error {
	failing := false
	err := p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		failing = false
		var token string
		err := tx.QueryRow(ctx, `SELECT token FROM simulated_operations WHERE op_key = ?`, change.Of).Scan(&token)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		card, _, err := cardOf(ctx, tx, token)
		if err != nil || card.captureFails == 0 {
			return err
		}
		affected, err := tx.Exec(ctx, `INSERT INTO simulated_failures (op_key, times) VALUES (?, 1)
			ON CONFLICT (op_key) DO UPDATE SET times = simulated_failures.times + 1 WHERE simulated_failures.times < ?`, change.Key, card.captureFails)
		failing = affected > 0
		return err
	})
	if err != nil {
		return fmt.Errorf("carry out %s: %w", change.Key, err)
	}
	if failing {
		return fmt.Errorf("simulated: the bank does not answer: %w", provider.ErrUnavailable)
	}
	return nil
}
