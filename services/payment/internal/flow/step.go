package flow

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// races is how often a step is decided anew because somebody else changed the payment meanwhile.
const races = 5

// happened takes the step that t leads to. reason is why the provider declined.
func happened(ctx context.Context, tx *database.Tx, p domain.Payment, t domain.Trigger, reason string) error {
	for range races {
		step, changed, err := p.Decide(t)
		switch {
		case errors.Is(err, domain.ErrTooEarly):
			return tooEarly(p.OrderID)
		case err != nil || !changed:
			return err
		}
		done, err := take(ctx, tx, p, step, reason)
		if err != nil || done {
			return err
		}
		var found bool
		if p, found, err = store.PaymentByID(ctx, tx, p.ID); err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("payment of order %s vanished", p.OrderID)
		}
	}
	return fault.Aborted("PAYMENT_CONTENDED", "the payment of order %s keeps changing: it is tried again", p.OrderID)
}

// take reports false, and does nothing, when the payment is no longer as it was.
func take(ctx context.Context, tx *database.Tx, before domain.Payment, step domain.Step, reason string) (bool, error) {
	now := tx.Now()
	after := before.After(step)
	after.UpdatedAt = now
	if step.Next == domain.Declined {
		after.DeclineReason = reason
	}
	transfers := make([]domain.Transfer, len(step.Transfers))
	for i, kind := range step.Transfers {
		transfers[i] = after.Transfer(kind, newID(), now)
		if kind == domain.Hold {
			after.HoldID = transfers[i].ID
		}
	}
	advanced, err := store.AdvancePayment(ctx, tx, before, after)
	if err != nil || !advanced {
		return false, err
	}
	var events []proto.Message
	for _, what := range step.Announce {
		events = append(events, announce(after, what))
	}
	for _, t := range transfers {
		wallet, booked, err := store.Book(ctx, tx, t)
		if err != nil {
			return false, err
		}
		if !booked {
			return false, fmt.Errorf("the wallet of %s does not hold what payment %s says", t.WalletID, after.ID)
		}
		if t.WalletID != "" {
			events = append(events, walletChanged(wallet))
		}
	}
	if asked := before.State.Waits(); asked != "" && after.State != before.State {
		if err := store.CloseIntent(ctx, tx, after.ID, asked, now); err != nil {
			return false, err
		}
	}
	if step.Ask != "" {
		if err := store.OpenIntent(ctx, tx, after.ID, step.Ask, now); err != nil {
			return false, err
		}
	}
	if err := journal.Append(ctx, tx, events...); err != nil {
		return false, err
	}
	if step.Withdraw != "" {
		withdrawn, err := store.WithdrawIntent(ctx, tx, after.ID, step.Withdraw, now)
		if err != nil || !withdrawn {
			return err == nil, err
		}
		return true, happened(ctx, tx, after, domain.NeverAsked, "")
	}
	return true, nil
}
