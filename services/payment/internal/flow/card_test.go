package flow_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/consumer"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/flow"
	"github.com/taproom-shop/taproom/services/payment/internal/intents"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

func TestEachTestCard(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var taken int64
		for number, want := range map[string]struct {
			authorized, captured domain.State
			reason               string
		}{
			"4242424242424242": {domain.Authorized, domain.Captured, ""},
			"5555555555554444": {domain.Authorized, domain.Captured, ""}, // none of the table
			"4000000000000002": {domain.Declined, domain.Declined, "CARD_DECLINED"},
			"4000000000009995": {domain.Declined, domain.Declined, "INSUFFICIENT_FUNDS"},
			"4000000000000259": {domain.Authorized, domain.Captured, ""},
			"4000000000000267": {domain.Authorized, domain.Captured, ""},
			"4000000000000275": {domain.Authorized, domain.Captured, ""},
			"4000000000000283": {domain.Authorized, domain.Captured, ""},
			"4000000000000291": {domain.Authorized, domain.Captured, ""},
			"4000000000000309": {domain.Authorized, domain.Declined, "CARD_DECLINED"},
		} {
			user := newID()
			o := newOrder(user, 1_234, byCard(w.card(t, user, number)))
			w.handle(t, o.placed())
			require.Equal(t, domain.Authorizing, w.payment(t, o).State)
			w.settle(t)
			require.Equal(t, want.authorized, w.payment(t, o).State, number)
			w.handle(t, o.confirmed())
			w.settle(t)
			p := w.payment(t, o)
			require.Equal(t, want.captured, p.State, number)
			require.Equal(t, want.reason, p.DeclineReason, number)
			if p.State == domain.Captured {
				require.Equal(t, []string{"PaymentAuthorized", "PaymentCaptured"}, w.events(t, o.id))
				taken += o.total
			}
			require.Zero(t, w.wallet(t, user).Version, "a card payment leaves the wallet alone")
		}
		have, err := w.cards.Taken(t.Context())
		require.NoError(t, err)
		require.Equal(t, taken, have)
		w.balanced(t)
		w.agreed(t)
	})
}

// agreed requires the provider's books to say what the ledger's account for it says.
func (w *world) agreed(t T) {
	t.Helper()
	taken, err := w.cards.Taken(t.Context())
	require.NoError(t, err)
	balances, err := w.store.TrialBalance(t.Context())
	require.NoError(t, err)
	held, err := w.cards.Held(t.Context())
	require.NoError(t, err)
	var clearing, pending int64
	for _, b := range balances {
		if b.Account == domain.CardClearing {
			clearing, pending = b.Posted, b.Pending
		}
	}
	require.Equal(t, -pending, held, "the provider holds what the ledger says")
	var toppedUp int64 // deposits of these tests never reach the provider
	require.NoError(t, w.db.QueryRow(t.Context(), `SELECT COALESCE(SUM(amount), 0) FROM transfers WHERE kind = 'TOP_UP'`).Scan(&toppedUp))
	require.Equal(t, -clearing, taken+toppedUp, "the provider took what the ledger says")
}

func TestTheSlowCardTakesItsTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.cards.Delay = time.Hour
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4000000000000259")))
		w.handle(t, o.placed())
		for range 5 {
			w.work(t)
		}
		require.Equal(t, domain.Authorizing, w.payment(t, o).State)
		findings, err := w.store.CheckInvariants(t.Context())
		require.NoError(t, err)
		require.True(t, findings[6].Pending)
		require.Len(t, findings[6].Findings, 1)
		require.False(t, findings[6].Broken, "it is young")
	})
}

func TestWhoIsAloneDoesNotWaitForAClaimOfAProcessThatDied(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4242424242424242")))
		w.handle(t, o.placed())
		err := w.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			claimed, err := store.ClaimIntents(ctx, tx, 10, time.Hour, tx.Now())
			require.Len(t, claimed, 1)
			return err
		})
		require.NoError(t, err)
		_, err = w.runner.Work(t.Context())
		require.NoError(t, err)
		key := store.Key(w.payment(t, o).ID, domain.Authorize)
		_, err = w.cards.Lookup(t.Context(), key)
		require.ErrorIs(t, err, provider.ErrUnknownKey, "others respect the claim")

		w.runner.Alone = true
		_, err = w.runner.Work(t.Context())
		require.NoError(t, err)
		_, err = w.cards.Lookup(t.Context(), key)
		require.NoError(t, err)
	})
}

func TestCancelledBeforeTheProviderWasAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4242424242424242")))
		w.handle(t, o.placed(), o.cancelled())
		require.Equal(t, domain.Voided, w.payment(t, o).State)
		w.settle(t)
		_, err := w.cards.Lookup(t.Context(), store.Key(w.payment(t, o).ID, domain.Authorize))
		require.ErrorIs(t, err, provider.ErrUnknownKey, "the provider never heard of it")
		require.Equal(t, []string{"PaymentVoided"}, w.events(t, o.id))
		w.balanced(t)
	})
}

func TestLateAuthorisationOfACancelledOrderIsVoided(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4242424242424242")))
		w.handle(t, o.placed())
		_, err := w.runner.Work(t.Context()) // the provider has been asked and has not answered
		require.NoError(t, err)
		w.handle(t, o.cancelled())
		require.Equal(t, domain.Authorizing, w.payment(t, o).State)
		w.settle(t)
		require.Equal(t, domain.Voided, w.payment(t, o).State)
		require.Equal(t, []string{"PaymentVoided"}, w.events(t, o.id))
		held, err := w.cards.Held(t.Context())
		require.NoError(t, err)
		require.Zero(t, held)
		w.balanced(t)
	})
}

func TestCaptureOfACancelledOrderIsRecordedThenRefunded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4242424242424242")))
		w.handle(t, o.placed())
		w.settle(t)
		w.handle(t, o.confirmed(), o.cancelled())
		require.Equal(t, domain.Capturing, w.payment(t, o).State)
		w.settle(t)
		p := w.payment(t, o)
		require.Equal(t, domain.Refunded, p.State)
		require.Equal(t, []int64{100, 100}, []int64{p.Captured, p.Refunded})
		require.Equal(t, []string{"PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"}, w.events(t, o.id))
		w.balanced(t)
		w.agreed(t)
	})
}

// The process dies after the provider did its part and before that was written down: the next one asks and learns it.
func TestAKilledProcessLosesAndDoublesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4000000000000275"))) // no webhook helps
		w.handle(t, o.placed())
		for _, op := range []domain.Operation{domain.Authorize, domain.Capture, domain.Refund} {
			claimed := w.claim(t)
			require.Len(t, claimed, 1)
			require.Equal(t, op, claimed[0].Operation)
			require.Empty(t, w.claim(t), "a claimed intent is nobody else's")
			_, err := w.runner.Ask(t.Context(), claimed[0])
			require.NoError(t, err)
			w.expireLeases(t) // the claimer is dead
			w.settle(t)
			switch op {
			case domain.Authorize:
				w.handle(t, o.confirmed())
			case domain.Capture:
				require.Equal(t, domain.Captured, w.payment(t, o).State)
				w.handle(t, o.cancelled())
			case domain.Refund, domain.Void, domain.Charge:
			}
		}
		require.Equal(t, domain.Refunded, w.payment(t, o).State)
		taken, err := w.cards.Taken(t.Context())
		require.NoError(t, err)
		require.Zero(t, taken)
		w.balanced(t)
	})
}

func (w *world) claim(t T) (claimed []store.Intent) {
	t.Helper()
	require.NoError(t, w.transact(t, func(ctx context.Context, tx *database.Tx) (err error) {
		claimed, err = store.ClaimIntents(ctx, tx, 10, intents.Lease, tx.Now())
		return err
	}))
	return claimed
}

func (w *world) expireLeases(t T) {
	t.Helper()
	require.NoError(t, w.transact(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE intents SET next_attempt_at = ? WHERE open", tx.Now().Add(-time.Second))
		return err
	}))
}

// A provider that refuses to give money back is asked for ever, and the books say so.
func TestARefusedVoidStaysOpen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		o := newOrder(user, 100, byCard(w.card(t, user, "4242424242424242")))
		w.handle(t, o.placed())
		w.settle(t)
		p := w.payment(t, o)
		_, err := w.cards.Void(t.Context(), provider.Change{Key: "somebody else's", Of: store.Key(p.ID, domain.Authorize), Amount: p.Amount})
		require.NoError(t, err)
		w.handle(t, o.cancelled())
		for range 3 {
			w.work(t)
			w.expireLeases(t)
		}
		require.Equal(t, domain.Voiding, w.payment(t, o).State)
		findings, err := w.store.CheckInvariants(t.Context())
		require.NoError(t, err)
		require.Contains(t, strings.Join(findings[6].Findings, "\n"), flow.ErrRefused.Error())
	})
}

func TestForgettingACardDoesNotStopItsPayments(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		card := w.card(t, user, "4242424242424242")
		o := newOrder(user, 100, byCard(card))
		w.handle(t, o.placed())
		require.NoError(t, w.transact(t, func(ctx context.Context, tx *database.Tx) error {
			_, err := store.DeleteCard(ctx, tx, user, card)
			return err
		}))
		w.settle(t)
		w.handle(t, o.confirmed())
		w.settle(t)
		require.Equal(t, domain.Captured, w.payment(t, o).State)
	})
}

func TestAFullReplayChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1_000)
		paid, cancelled, carded := newOrder(user, 100, byWallet()), newOrder(user, 200, byWallet()), newOrder(user, 300, byCard(w.card(t, user, "4242424242424242")))
		stream := []messaging.Message{paid.placed(), cancelled.placed(), carded.placed()}
		w.handle(t, stream...)
		w.settle(t)
		rest := []messaging.Message{paid.confirmed(), cancelled.confirmed(), carded.confirmed(), cancelled.cancelled()}
		w.handle(t, rest...)
		w.settle(t)
		before, events := w.wallet(t, user), len(w.events(t, user))
		require.NoError(t, w.transact(t, func(ctx context.Context, tx *database.Tx) error { // the inbox was pruned
			_, err := tx.Exec(ctx, "DELETE FROM inbox")
			return err
		}))
		w.handle(t, append(stream, rest...)...)
		w.settle(t)
		require.Equal(t, before, w.wallet(t, user))
		require.Len(t, w.events(t, user), events)
		for o, state := range map[*order]domain.State{&paid: domain.Captured, &cancelled: domain.Refunded, &carded: domain.Captured} {
			require.Equal(t, state, w.payment(t, *o).State)
		}
		w.balanced(t)
		w.agreed(t)
	})
}

func TestADeletedAccountsCardsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		gone, stays := newID(), newID()
		w.card(t, gone, "4242424242424242")
		w.card(t, stays, "4242424242424242")
		users, err := messaging.NewProcessor(consumer.Users(), w.db)
		require.NoError(t, err)
		require.NoError(t, users.Process(t.Context(), []messaging.Message{message(&eventv1.UserDeleted{UserId: gone})})[0].Err)
		for user, want := range map[string]int{gone: 0, stays: 1} {
			n, err := w.store.CountCards(t.Context(), user)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
	})
}
