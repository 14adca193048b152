package shoptest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
)

// CheapHashes make accounts cheap to open, for tests that need many.
var CheapHashes = []string{"--user-hash-memory-ki-b=8", "--user-hash-passes=1"}

// Reason answers the machine-readable reason of an error from the shop and what comes with it; "" for any other error.
func Reason(err error) (reason string, metadata map[string]string) {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return "", nil
	}
	for _, detail := range failure.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info.GetReason(), info.GetMetadata()
			}
		}
	}
	return "", nil
}

// Answered reports whether the shop has decided: it said yes, or no for a reason. Anything else, such as a cut connection,
// leaves the outcome unknown, and the request is to be repeated.
func Answered(err error) bool {
	reason, _ := Reason(err)
	return err == nil || reason != "" && connect.CodeOf(err) != connect.CodeUnavailable
}

// Insist repeats a call until the shop has decided or ctx ends.
func Insist[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	for {
		res, err := attempt(ctx, call, req)
		if Answered(err) || ctx.Err() != nil {
			return res, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func attempt[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	// A connection whose other end was killed may never say so.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return call(ctx, req)
}

// Until repeats a condition, which may fail the test, until it holds.
func Until(t testing.TB, patience time.Duration, holds func() bool, message string, args ...any) {
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			require.FailNow(t, "waited in vain for "+patience.String(), append([]any{message}, args...)...)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Final reports whether nothing follows a state by itself.
func Final(state orderv1.OrderState) bool {
	return state == orderv1.OrderState_ORDER_STATE_DELIVERED || state == orderv1.OrderState_ORDER_STATE_CANCELLED
}

// AwaitFinal waits until the order is delivered or cancelled and answers it.
func (p *Person) AwaitFinal(t testing.TB, orderID string) *orderv1.Order {
	var order *orderv1.Order
	Until(t, 60*time.Second, func() bool {
		res, err := p.Orders.GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: orderID})
		if err == nil {
			order = res.GetOrder()
		}
		return Final(order.GetState())
	}, "order %s comes to no end", orderID)
	return order
}

// BooksBalance waits until every rule of `taproom books` is kept and no message is under way, and answers what was printed.
func (s *Shop) BooksBalance(t testing.TB) string {
	var printed string
	Until(t, 90*time.Second, func() bool {
		var err error
		printed, err = s.Taproom(t.Context(), t, "books")
		require.NoError(t, err, printed)
		return !strings.Contains(printed, "PENDING  ")
	}, "the books do not come to rest")
	for line := range strings.Lines(printed) {
		require.True(t, strings.HasPrefix(line, "OK "), printed)
	}
	return printed
}

// Stock answers how many units of a beer can be sold.
func (p *Person) Stock(t testing.TB, beerID string) int32 {
	res, err := p.Inventory.GetStock(t.Context(), &inventoryv1.GetStockRequest{BeerId: beerID})
	require.NoError(t, err)
	return res.GetStock().GetAvailable()
}

// RequireWallet fails the test unless the wallet holds so many cents, all of them free.
func (p *Person) RequireWallet(t testing.TB, cents int64) {
	res, err := p.Payments.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
	require.NoError(t, err)
	require.Equal(t, cents, res.GetWallet().GetBalance().GetMinorUnits(), "balance")
	require.Equal(t, cents, res.GetWallet().GetAvailable().GetMinorUnits(), "available: something is still held")
}

// PaymentOf answers what staff see of an order's payment.
func (p *Person) PaymentOf(t testing.TB, orderID string) *paymentv1.Payment {
	res, err := p.PaymentsAdmin.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{OrderId: orderID})
	require.NoError(t, err)
	require.Len(t, res.GetPayments(), 1, "an order has one payment")
	return res.GetPayments()[0]
}

// AwaitPayment waits until the order's payment is in a state and answers it.
func (p *Person) AwaitPayment(t testing.TB, orderID string, state paymentv1.PaymentState) *paymentv1.Payment {
	var payment *paymentv1.Payment
	Until(t, 60*time.Second, func() bool {
		res, err := p.PaymentsAdmin.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{OrderId: orderID})
		require.NoError(t, err)
		for _, payment = range res.GetPayments() {
			return payment.GetState() == state
		}
		return false // nobody has told payment of the order yet
	}, "the payment of order %s does not become %s", orderID, state)
	return payment
}

// Timeline answers the types of what happened to an order, oldest first.
func (p *Person) Timeline(t testing.TB, orderID string) []string {
	res, err := p.Orders.GetOrderTimeline(t.Context(), &orderv1.GetOrderTimelineRequest{Id: orderID})
	require.NoError(t, err)
	var types []string
	for _, entry := range res.GetEntries() {
		types = append(types, entry.GetType())
	}
	return types
}
