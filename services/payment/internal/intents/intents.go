// Package intents carries out what the card provider is to do, from stored intents and outside of transactions, until the
// outcome is known.
package intents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/flow"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

const (
	// Lease is how long an intent belongs to who claimed it. It outlasts everything that is done under it.
	Lease = 20 * time.Second

	every       = time.Second
	atOnce      = 16
	callTimeout = 8 * time.Second
	maxReason   = 500 // characters of an error that are kept
)

// Runner carries out intents. Several may run, in any number of processes.
type Runner struct {
	DB       *database.DB
	Store    *store.Store
	Provider provider.Provider
	Log      *slog.Logger
	Retry    time.Duration // pause after the first try, doubled with each further one
	Alone    bool          // no other process carries out intents, so that those claimed before it started are free

	freed atomic.Bool
}

// Loop carries out intents as they come due.
func (r *Runner) Loop() module.Loop {
	return module.Repeat(r.Log, "intents", every, r.DB.Signal(store.IntentsSignal).C(), r.Work)
}

// Work carries out the intents that are due; more is true when there may be others.
func (r *Runner) Work(ctx context.Context) (more bool, err error) {
	if r.Alone && !r.freed.Load() {
		if err := r.free(ctx); err != nil {
			return false, err
		}
	}
	if due, err := r.Store.IntentsDue(ctx, r.DB.Now()); err != nil || !due {
		return false, err
	}
	var claimed []store.Intent
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		claimed, err = store.ClaimIntents(ctx, tx, atOnce, Lease, tx.Now())
		return err
	})
	if err != nil {
		return false, err
	}
	var group errgroup.Group
	for _, intent := range claimed {
		group.Go(func() error { return r.carryOut(ctx, intent) })
	}
	return len(claimed) == atOnce, group.Wait()
}

// free makes what a process that died had claimed due at once.
func (r *Runner) free(ctx context.Context) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		tx.AfterCommit(func() { r.freed.Store(true) })
		return store.FreeIntents(ctx, tx, tx.Now())
	})
}

// carryOut takes one intent as far as it goes now.
func (r *Runner) carryOut(ctx context.Context, intent store.Intent) error {
	answer, err := r.Ask(ctx, intent)
	if err == nil && answer.Final() {
		err = r.Settle(ctx, answer)
		if err == nil {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err() // the lease runs out by itself
	}
	why := "the provider has not decided yet"
	if err != nil {
		why = err.Error()
	}
	r.tell(ctx, intent, why, err)
	delay := domain.RetryDelay(r.Retry, intent.Attempts)
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := tx.Now()
		return store.PostponeIntent(ctx, tx, intent, now.Add(delay), why[:min(len(why), maxReason)], now)
	})
	if delay < every { // the sweep would come late
		time.AfterFunc(delay, r.DB.Signal(store.IntentsSignal).Notify)
	}
	return err
}

// tell logs a try that led nowhere, louder when there were many, and loudest when no try can help.
func (r *Runner) tell(ctx context.Context, intent store.Intent, why string, err error) {
	level := slog.LevelInfo
	switch {
	case errors.Is(err, flow.ErrRefused) || intent.Attempts >= domain.AlarmAfter:
		level = slog.LevelError
	case err != nil:
		level = slog.LevelWarn
	}
	r.Log.LogAttrs(ctx, level, "the card provider has not done what it was asked; it will be asked again",
		slog.String("operation", string(intent.Operation)), slog.String("subject", intent.SubjectID), slog.Int("attempts", intent.Attempts), slog.String("why", why))
}

// Ask asks the provider to carry out the intent. When it may have been asked before, it is first asked whether it did. An error
// means that the outcome is not known.
func (r *Runner) Ask(ctx context.Context, intent store.Intent) (provider.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if intent.Attempts > 1 {
		answer, err := r.Provider.Lookup(ctx, intent.Key())
		if !errors.Is(err, provider.ErrUnknownKey) {
			return answer, err
		}
	}
	if intent.Operation == domain.Charge {
		return r.charge(ctx, intent)
	}
	p, found, err := r.Store.Payment(ctx, intent.SubjectID)
	if err != nil || !found {
		return provider.Answer{}, missing(intent, err)
	}
	change := provider.Change{Key: intent.Key(), Of: store.Key(p.ID, domain.Authorize), Amount: p.Amount}
	switch intent.Operation {
	case domain.Authorize:
		return r.Provider.Authorize(ctx, provider.Charge{Key: intent.Key(), Token: p.CardToken, Amount: p.Amount, Currency: domain.Currency})
	case domain.Capture:
		return r.Provider.Capture(ctx, change)
	case domain.Void:
		return r.Provider.Void(ctx, change)
	case domain.Refund:
		return r.Provider.Refund(ctx, change)
	case domain.Charge: // above
	}
	return provider.Answer{}, fmt.Errorf("intent %s asks for %q", intent.ID, intent.Operation)
}

func (r *Runner) charge(ctx context.Context, intent store.Intent) (provider.Answer, error) {
	t, found, err := r.Store.TopUp(ctx, intent.SubjectID)
	if err != nil || !found {
		return provider.Answer{}, missing(intent, err)
	}
	return r.Provider.Authorize(ctx, provider.Charge{
		Key: intent.Key(), Token: t.CardToken, Amount: t.Amount, Currency: domain.Currency, Capture: true,
	})
}

func missing(intent store.Intent, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("what intent %s is about, %s, does not exist", intent.ID, intent.SubjectID)
}

// Settle takes in a final answer.
func (r *Runner) Settle(ctx context.Context, answer provider.Answer) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return flow.Answered(ctx, tx, answer)
	})
}
