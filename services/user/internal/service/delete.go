package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

const (
	// holdLength is how long nothing can be ordered or topped up at most because the account was to be deleted. It is longer
	// than a deletion takes and any token of the account lives after that, so that nobody needs to hear of the end of the
	// sessions for it to be true.
	holdLength = identity.AccessTokenLife + 2*identity.Leeway + time.Minute
	// endHoldTimeout bounds the wait for a hold to be ended, which passes by itself otherwise.
	endHoldTimeout = 5 * time.Second
)

// DeleteAccount deletes the caller's account unless orders are open or the wallet holds money.
//
// Who decides are those who are asked: from their answer on they take no order and no money of the customer until the hold
// ends. When the account stays, it ends at once; when this process dies in between, or does not know whether the deletion
// was committed, it passes.
func (s *User) DeleteAccount(ctx context.Context, req *userv1.DeleteAccountRequest) (*userv1.DeleteAccountResponse, error) {
	caller := identity.Must(ctx)
	held, err := s.checkPassword(ctx, caller.ID, req.GetPassword())
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	hold := hold{s, caller.ID, id.String()}
	if err := hold.begin(ctx); err != nil {
		hold.end(ctx)
		return nil, err
	}
	if err := s.Store.Delete(ctx, caller.ID, held.Generation); err != nil {
		if errors.Is(err, store.ErrPasswordChanged) || fault.ReasonOf(err) != "" {
			hold.end(ctx)
		}
		return nil, passwordError(err)
	}
	s.clearCookie(ctx)
	return &userv1.DeleteAccountResponse{}, nil
}

// hold keeps a user from what would get in the way of deleting the account.
type hold struct {
	*User
	userID, id string
}

// begin asks those who would be left with open ends. When one of them doesn't answer the account stays. Orders come first:
// when none is open, none brings money into the wallet any more.
func (h hold) begin(ctx context.Context) error {
	open, err := h.orders(ctx, holdLength)
	if err != nil {
		return unavailable(err)
	}
	if open > 0 {
		return fault.FailedPrecondition("ORDERS_OPEN", "%d orders are not finished: wait for them or cancel them first", open)
	}
	empty, err := h.wallet(ctx, holdLength)
	if err != nil {
		return unavailable(err)
	}
	if !empty {
		return fault.FailedPrecondition("WALLET_NOT_EMPTY", "the wallet holds money: spend it first")
	}
	return nil
}

func unavailable(err error) error {
	if fault.KindOf(err) == fault.KindAborted {
		return fault.Aborted("ACCOUNT_CLOSING", "the account is being deleted already, or was until just now: try again in a few minutes").WithCause(err)
	}
	return fault.Unavailable("DELETION_UNAVAILABLE",
		"it can't be told right now whether orders are open or the wallet holds money, so nothing was deleted: try again later").WithCause(err)
}

// end lets the customer order again, whether or not the caller still waits.
func (h hold) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endHoldTimeout)
	defer cancel()
	_, orders := h.orders(ctx, 0)
	_, wallet := h.wallet(ctx, 0)
	_ = errors.Join(orders, wallet) // it passes
}

func (h hold) orders(ctx context.Context, length time.Duration) (open int64, err error) {
	res, err := h.Orders.HoldCustomer(ctx, &orderv1.HoldCustomerRequest{UserId: h.userID, HoldId: h.id, Length: durationpb.New(length)})
	return res.GetOpenOrders(), err
}

func (h hold) wallet(ctx context.Context, length time.Duration) (empty bool, err error) {
	res, err := h.Wallets.HoldWallet(ctx, &paymentv1.HoldWalletRequest{UserId: h.userID, HoldId: h.id, Length: durationpb.New(length)})
	return res.GetEmpty(), err
}
