package service

import (
	"context"
	"errors"
	"strings"
	"time"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// Pauses between questions to the provider while a customer waits.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// TopUpWallet charges a card and puts the money into the caller's wallet.
//
// The request is remembered before the provider hears of it, under an id that derives from it, with an intent that is carried out
// whatever becomes of this call. A repeat finds it, asks the provider what it did and ends the same way: done with the first
// answer, or declined. Refusals that come before that leave no trace.
func (s *Payment) TopUpWallet(ctx context.Context, req *paymentv1.TopUpWalletRequest) (*paymentv1.TopUpWalletResponse, error) {
	t, begun, err := s.begin(ctx, req)
	if err != nil {
		return nil, err
	}
	if t.State == domain.TopUpPending {
		if t, err = s.charge(ctx, t, begun); err != nil {
			return nil, err
		}
	}
	switch t.State {
	case domain.TopUpDone:
		return &paymentv1.TopUpWalletResponse{Wallet: toWallet(t.Wallet)}, nil
	case domain.TopUpDeclined:
		return nil, fault.FailedPrecondition("CARD_DECLINED", "the card was declined: use another one, with a new request id").
			With("decline_reason", t.DeclineReason)
	case domain.TopUpPending:
	}
	return nil, fault.Unavailable("PROVIDER_UNAVAILABLE", "it is not known yet whether the card was charged: repeat the call with the same request id").
		With("request_id", t.RequestID)
}

// begin remembers the request, or finds it; begun tells which.
func (s *Payment) begin(ctx context.Context, req *paymentv1.TopUpWalletRequest) (t domain.RequestedTopUp, begun bool, err error) {
	user, requestID := identity.Must(ctx).ID, strings.ToLower(req.GetRequestId())
	asked := domain.RequestedTopUp{
		ID: domain.TopUpID(user, requestID), UserID: user, RequestID: requestID,
		CardID: strings.ToLower(req.GetCardId()), Amount: req.GetAmountMinorUnits(), State: domain.TopUpPending,
	}
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := tx.Now()
		begun = false
		// Top-ups of one wallet begin one after the other.
		if err := store.LockWallet(ctx, tx, user, now); err != nil {
			return err
		}
		known, found, err := store.TopUpByID(ctx, tx, asked.ID)
		if err != nil {
			return err
		}
		if found {
			if t = known; !known.SameRequest(asked) {
				return fault.AlreadyExists("REQUEST_ID_REUSED", "this request id belongs to another top-up: make up a new one")
			}
			return nil
		}
		if !s.Cards {
			return cardsUnavailable()
		}
		if err := refuseHeld(ctx, tx, user); err != nil {
			return err
		}
		card, found, err := store.CardOf(ctx, tx, user, asked.CardID)
		if err != nil {
			return err
		}
		if !found {
			return cardNotFound()
		}
		fits, err := store.Expect(ctx, tx, user, asked.Amount, s.WalletLimit, now)
		if err != nil {
			return err
		}
		if !fits {
			return fault.FailedPrecondition("WALLET_LIMIT", "the wallet would hold more than %d.%02d %s: top up less",
				s.WalletLimit/100, s.WalletLimit%100, domain.Currency)
		}
		t, begun = asked, true
		t.CardToken, t.CreatedAt, t.UpdatedAt = card.Token, now, now
		if _, err := store.InsertTopUp(ctx, tx, t); err != nil {
			return err
		}
		return store.OpenClaimedIntent(ctx, tx, t.ID, domain.Charge, s.TopUpWait+time.Second, now)
	})
	return t, begun, err
}

// charge asks the provider until it is known what it did, or for as long as a customer can be kept waiting. What is not known then
// is left to the intent.
func (s *Payment) charge(ctx context.Context, t domain.RequestedTopUp, begun bool) (domain.RequestedTopUp, error) {
	ctx, cancel := context.WithTimeout(ctx, s.TopUpWait)
	defer cancel()
	intent := store.Intent{SubjectID: t.ID, Operation: domain.Charge, Attempts: 1}
	if !begun {
		intent.Attempts++ // somebody may have asked
	}
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		answer, err := s.Intents.Ask(ctx, intent)
		if err == nil && answer.Final() {
			if err := s.Intents.Settle(ctx, answer); err != nil && ctx.Err() == nil {
				return t, err
			}
		}
		latest, found, readErr := s.Store.TopUp(ctx, t.ID)
		if readErr == nil && found && latest.State != domain.TopUpPending {
			return latest, nil
		}
		if errors.Is(err, provider.ErrUnavailable) || !wait(ctx, pause) {
			return t, nil
		}
		intent.Attempts++
	}
}

// wait reports whether ctx outlasts the pause.
func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
