// Package simulated is a card provider for demonstrations and tests. Like a real one it keeps its own books, carries out each
// key once, answers authorisations later by a signed webhook, and has test cards that make it fail; see testCards.
//
// Its tables lie beside payment's and have nothing to do with them: what it commits stays, whatever becomes of the caller's
// transaction or process.
package simulated

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
)

//go:embed migrations
var files embed.FS

// Migrations make the provider's tables.
var Migrations = migrations()

func migrations() database.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(fmt.Sprintf("simulated card provider: migrations: %v", err))
	}
	return database.Migrations{Name: "simulated", FS: sub}
}

// Doer sends a request; *http.Client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Options say how the provider works.
type Options struct {
	DB         *database.DB
	Log        *slog.Logger
	Client     Doer          // delivers webhooks
	WebhookURL string        // where to
	Secret     []byte        // signs them
	Delay      time.Duration // what the slow card's approval takes
}

// Provider is the simulated provider.
type Provider struct{ Options }

var _ provider.Provider = (*Provider)(nil)

// New returns the provider whose books lie in the database. Loop delivers its webhooks.
func New(options Options) *Provider { return &Provider{options} }

// Tokenize keeps what the card behaves like.
func (p *Provider) Tokenize(ctx context.Context, card provider.Card) (provider.Token, error) {
	now := p.DB.Now()
	if err := card.Check(now); err != nil {
		return provider.Token{}, err
	}
	token := provider.Token{Value: "tok_" + rand.Text(), Brand: card.Brand(), Last4: card.Last4()}
	err := p.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO simulated_cards (token, behaves, exp_month, exp_year, created_at) VALUES (?, ?, ?, ?, ?)`,
			token.Value, behavesLike(card.Number), card.ExpMonth, card.ExpYear, now)
		return err
	})
	if err != nil {
		return provider.Token{}, fmt.Errorf("keep card: %w", err)
	}
	return token, nil
}

// Authorize decides at once and tells later.
func (p *Provider) Authorize(ctx context.Context, charge provider.Charge) (provider.Answer, error) {
	kind := "authorize"
	if charge.Capture {
		kind = "charge"
	}
	var lost bool
	answer, err := p.once(ctx, charge.Key, func(ctx context.Context, tx *database.Tx, now time.Time) (operation, error) {
		op := operation{kind: kind, token: charge.Token, amount: charge.Amount, readyAt: now}
		card, found, err := cardOf(ctx, tx, charge.Token)
		if err != nil {
			return op, err
		}
		op.notices, lost = card.notices, card.lost
		if card.slow {
			op.readyAt = now.Add(p.Delay)
		}
		switch {
		case !found:
			op.decline(provider.ReasonDeclined)
		case provider.Expired(card.expMonth, card.expYear, now):
			op.decline(provider.ReasonExpired)
		case card.decline != "":
			op.decline(card.decline)
		}
		return op, nil
	})
	if err != nil {
		return provider.Answer{}, err
	}
	if lost {
		return provider.Answer{}, fmt.Errorf("simulated: the answer was lost: %w", context.DeadlineExceeded)
	}
	// The first answer of a provider is that it will see.
	return provider.Answer{Key: answer.Key, Status: provider.Pending}, nil
}

// Capture answers at once, but for the card that fails at it.
func (p *Provider) Capture(ctx context.Context, change provider.Change) (provider.Answer, error) {
	if err := p.fail(ctx, change); err != nil {
		return provider.Answer{}, err
	}
	return p.once(ctx, change.Key, func(ctx context.Context, tx *database.Tx, now time.Time) (operation, error) {
		op, err := p.about(ctx, tx, "capture", change, `kind = 'authorize' AND amount = ?`, `kind IN ('capture', 'void')`)
		if err != nil || op.reason != "" {
			return op, err
		}
		card, _, err := cardOf(ctx, tx, op.token)
		if card.captureDecline != "" {
			op.decline(card.captureDecline)
		}
		return op, err
	})
}

// Void answers at once.
func (p *Provider) Void(ctx context.Context, change provider.Change) (provider.Answer, error) {
	return p.once(ctx, change.Key, func(ctx context.Context, tx *database.Tx, now time.Time) (operation, error) {
		return p.about(ctx, tx, "void", change, `kind = 'authorize' AND amount >= ?`, `kind IN ('capture', 'void')`)
	})
}

// Refund answers at once.
func (p *Provider) Refund(ctx context.Context, change provider.Change) (provider.Answer, error) {
	return p.once(ctx, change.Key, func(ctx context.Context, tx *database.Tx, now time.Time) (operation, error) {
		op, err := p.about(ctx, tx, "refund", change, `kind IN ('authorize', 'charge') AND amount = ?`, `kind IN ('void', 'refund')`)
		if err != nil || op.reason != "" {
			return op, err
		}
		var taken int
		err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM simulated_operations WHERE status = 'succeeded'
			AND (of_key = ? AND kind = 'capture' OR op_key = ? AND kind = 'charge')`, change.Of, change.Of).Scan(&taken)
		if taken == 0 {
			op.decline(provider.ReasonNotAuthorized)
		}
		return op, err
	})
}

// Lookup tells what became of an operation.
func (p *Provider) Lookup(ctx context.Context, key string) (provider.Answer, error) {
	answer := provider.Answer{Key: key}
	var readyAt time.Time
	err := p.DB.QueryRow(ctx, `SELECT status, reason, ready_at FROM simulated_operations WHERE op_key = ?`, key).
		Scan(&answer.Status, &answer.Reason, &readyAt)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return provider.Answer{}, provider.ErrUnknownKey
	case err != nil:
		return provider.Answer{}, fmt.Errorf("look up operation: %w", err)
	case readyAt.After(p.DB.Now()):
		return provider.Answer{Key: key, Status: provider.Pending}, nil
	}
	return answer, nil
}

// Taken returns what the provider took less what it gave back, which is what it owes the shop.
func (p *Provider) Taken(ctx context.Context) (int64, error) {
	var taken int64
	err := p.DB.QueryRow(ctx, `SELECT COALESCE(SUM(CASE kind WHEN 'charge' THEN amount WHEN 'capture' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0)
		FROM simulated_operations WHERE status = 'succeeded'`).Scan(&taken)
	return taken, err
}

// Held returns what the provider holds and has neither taken nor let go. A capture that it declined ends the hold.
func (p *Provider) Held(ctx context.Context) (int64, error) {
	var held int64
	err := p.DB.QueryRow(ctx, `SELECT COALESCE(SUM(amount), 0) FROM simulated_operations a WHERE kind = 'authorize' AND status = 'succeeded' AND NOT EXISTS
		(SELECT 1 FROM simulated_operations r WHERE r.of_key = a.op_key AND r.kind IN ('capture', 'void'))`).Scan(&held)
	return held, err
}
