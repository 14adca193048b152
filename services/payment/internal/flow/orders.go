// Package flow moves money when something happened: an order was placed, confirmed or cancelled, or the card provider
// answered. Each step is one transaction that changes a payment's state by a guarded statement, books the ledger, opens and
// closes intents, and tells the other services. Rows are locked in the order payment or top-up, wallet, intent.
package flow

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/money"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// Placed holds the money for an order, or asks the provider to. It does nothing for an order that it knows, be it as cancelled.
func Placed(ctx context.Context, tx *database.Tx, order *eventv1.OrderPlaced) error {
	p, err := begin(ctx, tx, order)
	if err != nil {
		return err
	}
	inserted, err := store.InsertPayment(ctx, tx, p)
	if err != nil || !inserted {
		return err
	}
	if p.State == domain.Declined {
		return journal.Append(ctx, tx, announce(p, domain.AnnounceDeclined))
	}
	if p.State == domain.Authorizing {
		return store.OpenIntent(ctx, tx, p.ID, domain.Authorize, p.CreatedAt)
	}
	wallet, held, err := store.Book(ctx, tx, p.Transfer(domain.Hold, p.HoldID, p.CreatedAt))
	if err != nil {
		return err
	}
	if held {
		return journal.Append(ctx, tx, announce(p, domain.AnnounceAuthorized), walletChanged(wallet))
	}
	declined := p
	declined.State, declined.DeclineReason, declined.HoldID = domain.Declined, domain.ReasonInsufficientFunds, ""
	if _, err := store.AdvancePayment(ctx, tx, p, declined); err != nil {
		return err
	}
	return journal.Append(ctx, tx, announce(declined, domain.AnnounceDeclined))
}

// begin returns the payment as it begins: from a wallet as if the money were there.
func begin(ctx context.Context, tx *database.Tx, order *eventv1.OrderPlaced) (domain.Payment, error) {
	now := tx.Now()
	total := money.FromProto(order.GetTotal())
	p := domain.Payment{
		ID: newID(), OrderID: order.GetOrderId(), UserID: order.GetUserId(), Amount: total.Minor,
		State: domain.Declined, CreatedAt: now, UpdatedAt: now,
	}
	switch method := order.GetPayment().GetMethod().(type) {
	case *eventv1.PaymentInstruction_Wallet:
		p.Method = domain.ByWallet
	case *eventv1.PaymentInstruction_CardId:
		p.Method = domain.ByCard
		card, found, err := store.CardOf(ctx, tx, p.UserID, method.CardId)
		if err != nil {
			return p, err
		}
		if !found {
			p.DeclineReason = domain.ReasonCardNotFound
			return p, nil
		}
		p.CardToken = card.Token
	}
	switch {
	case p.Method == "" || total.Minor <= 0 || total.Currency != domain.Currency:
		p.DeclineReason = domain.ReasonInstruction
	case p.Method == domain.ByCard:
		p.State = domain.Authorizing
	default:
		p.State, p.HoldID = domain.Authorized, newID()
	}
	return p, nil
}

// Confirmed takes the money of an order, whose stock is reserved. It fails for now while the order's money isn't held yet.
func Confirmed(ctx context.Context, tx *database.Tx, order *eventv1.OrderConfirmed) error {
	p, found, err := store.PaymentOfOrder(ctx, tx, order.GetOrderId())
	if err != nil {
		return err
	}
	if !found {
		return tooEarly(order.GetOrderId())
	}
	if total := order.GetTotal(); p.State == domain.Authorized && (total.GetMinorUnits() != p.Amount || total.GetCurrency() != domain.Currency) {
		return fault.Invalid("AMOUNT_CHANGED", "order %s is confirmed with %d %s and %d %s are held", p.OrderID,
			total.GetMinorUnits(), total.GetCurrency(), p.Amount, domain.Currency)
	}
	return happened(ctx, tx, p, domain.OrderConfirmed, "")
}

// Cancelled gives an order's money back, wherever it is. An order that isn't known yet gets a tombstone.
func Cancelled(ctx context.Context, tx *database.Tx, order *eventv1.OrderCancelled) error {
	p, found, err := store.PaymentOfOrder(ctx, tx, order.GetOrderId())
	if err != nil {
		return err
	}
	if !found {
		inserted, err := store.InsertPayment(ctx, tx, domain.Tombstone(newID(), order.GetOrderId(), order.GetUserId(), tx.Now()))
		if err != nil || inserted {
			return err
		}
		// Another replica has just placed it.
		if p, found, err = store.PaymentOfOrder(ctx, tx, order.GetOrderId()); err != nil {
			return err
		}
		if !found {
			return tooEarly(order.GetOrderId())
		}
	}
	return happened(ctx, tx, p, domain.OrderCancelled, "")
}

func tooEarly(orderID string) error {
	return fault.Unavailable("PAYMENT_NOT_READY", "the money of order %s is not held yet: it is tried again", orderID).WithCause(domain.ErrTooEarly)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func announce(p domain.Payment, what domain.Announcement) proto.Message {
	amount := money.New(p.Amount, domain.Currency).Proto()
	switch what {
	case domain.AnnounceAuthorized:
		return &eventv1.PaymentAuthorized{OrderId: p.OrderID, PaymentId: p.ID, Amount: amount}
	case domain.AnnounceDeclined:
		return &eventv1.PaymentDeclined{OrderId: p.OrderID, PaymentId: p.ID, Reason: p.DeclineReason}
	case domain.AnnounceCaptured:
		return &eventv1.PaymentCaptured{OrderId: p.OrderID, PaymentId: p.ID, Amount: amount}
	case domain.AnnounceVoided:
		return &eventv1.PaymentVoided{OrderId: p.OrderID, PaymentId: p.ID}
	case domain.AnnounceRefunded:
		return &eventv1.PaymentRefunded{OrderId: p.OrderID, PaymentId: p.ID, Amount: amount}
	}
	panic(fmt.Sprintf("payment: no event says %q", what))
}

func walletChanged(w domain.Wallet) proto.Message {
	return &eventv1.WalletChanged{
		UserId:    w.UserID,
		Balance:   money.New(w.Balance, domain.Currency).Proto(),
		Available: money.New(w.Available(), domain.Currency).Proto(),
		Version:   w.Version,
	}
}
