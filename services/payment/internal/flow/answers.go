package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// Errors of Answered.
var (
	// ErrUnknown says that the answer is about nothing that was ever asked.
	ErrUnknown = errors.New("the card provider answers what it was not asked")
	// ErrRefused says that the provider will not let go of money or give it back. Somebody has to talk to it; the intent
	// stays open.
	ErrRefused = errors.New("the card provider refuses to give money back")
)

// Answered takes in the provider's final answer about an operation. An answer that has been taken in already changes nothing.
func Answered(ctx context.Context, tx *database.Tx, answer provider.Answer) error {
	if !answer.Final() {
		return fmt.Errorf("answer about %s is %q, which is not final", answer.Key, answer.Status)
	}
	operation, subject, _ := strings.Cut(answer.Key, ":")
	op := domain.Operation(operation)
	if op == domain.Charge {
		return charged(ctx, tx, subject, answer)
	}
	p, found, err := store.PaymentByID(ctx, tx, subject)
	if err != nil {
		return err
	}
	if !found {
		return ErrUnknown
	}
	trigger, err := meaning(op, answer.Status == provider.Succeeded)
	if err != nil {
		if p.State.Waits() != op {
			return nil
		}
		return fmt.Errorf("%s of payment %s: %w: %s", op, p.ID, err, answer.Reason)
	}
	return happened(ctx, tx, p, trigger, answer.Reason)
}

func meaning(op domain.Operation, succeeded bool) (domain.Trigger, error) {
	switch {
	case op == domain.Authorize && succeeded:
		return domain.MoneyAuthorized, nil
	case op == domain.Authorize:
		return domain.AuthorizationDeclined, nil
	case op == domain.Capture && succeeded:
		return domain.MoneyCaptured, nil
	case op == domain.Capture:
		return domain.CaptureDeclined, nil
	case op == domain.Void && succeeded:
		return domain.HoldVoided, nil
	case op == domain.Refund && succeeded:
		return domain.MoneyRefunded, nil
	case op == domain.Void, op == domain.Refund:
		return 0, ErrRefused
	}
	return 0, ErrUnknown
}

// charged takes in what became of a top-up.
func charged(ctx context.Context, tx *database.Tx, topUpID string, answer provider.Answer) error {
	t, found, err := store.TopUpByID(ctx, tx, topUpID)
	if err != nil {
		return err
	}
	if !found {
		return ErrUnknown
	}
	now := tx.Now()
	t.State, t.UpdatedAt = domain.TopUpDone, now
	if answer.Status == provider.Declined {
		t.State, t.DeclineReason = domain.TopUpDeclined, answer.Reason
	}
	finished, err := store.FinishTopUp(ctx, tx, t)
	if err != nil || !finished {
		return err
	}
	if t.State == domain.TopUpDeclined {
		err = store.Forgo(ctx, tx, t.UserID, t.Amount, now)
	} else {
		err = credit(ctx, tx, t)
	}
	if err != nil {
		return err
	}
	return store.CloseIntent(ctx, tx, t.ID, domain.Charge, now)
}

func credit(ctx context.Context, tx *database.Tx, t domain.RequestedTopUp) error {
	wallet, booked, err := store.Book(ctx, tx, domain.TopUpTransfer(t.ID, t.UserID, t.Amount, newID(), t.UpdatedAt))
	if err != nil {
		return err
	}
	if !booked {
		return fmt.Errorf("the wallet of %s does not expect top-up %s", t.UserID, t.ID)
	}
	if err := store.RememberAnswer(ctx, tx, t.ID, wallet); err != nil {
		return err
	}
	return journal.Append(ctx, tx, walletChanged(wallet))
}
