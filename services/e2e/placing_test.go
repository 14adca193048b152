package e2e_test

import (
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const copies = 20 // of a request, sent at once

// placed is what PlaceOrder answered.
type placed struct {
	order *orderv1.Order
	err   error
}

// placeAtOnce sends all requests at the same time.
func placeAtOnce(t *testing.T, p *shoptest.Person, requests ...*orderv1.PlaceOrderRequest) []placed {
	answers := make([]placed, len(requests))
	for i, err := range atOnce(len(requests), func(i int) error {
		res, err := p.Orders.PlaceOrder(t.Context(), requests[i])
		answers[i].order = res.GetOrder()
		return err
	}) {
		answers[i].err = err
	}
	return answers
}

func requireOneOrder(t *testing.T, p *shoptest.Person, id string) {
	list, err := p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{id}, mapped(list.GetOrders(), (*orderv1.Order).GetId))
}

// A nervous customer, or a client that repeats what got no answer: one order, and everybody hears the same of it.
func TestTheSameOrderManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	p, beer := shop.Register(t), shop.NewBeer(t, staff, 10).GetId()
	p.TopUp(t, openingBalance)
	req := p.Checkout(t, p.Put(t, beer, 2), p.SaveAddress(t), shoptest.Wallet())
	same := make([]*orderv1.PlaceOrderRequest, copies)
	for i := range same {
		same[i] = proto.CloneOf(req)
	}
	answers := placeAtOnce(t, p, same...)
	for _, answer := range answers {
		require.NoError(t, answer.err)
		require.True(t, proto.Equal(answers[0].order, answer.order), "one heard %v and another %v", answers[0].order, answer.order)
	}
	id := answers[0].order.GetId()
	requireOneOrder(t, p, id)
	awaitRest(t, p, id)
	late, err := p.Orders.PlaceOrder(t.Context(), req)
	require.NoError(t, err)
	require.True(t, proto.Equal(answers[0].order, late.GetOrder()), "also when it is paid: %v", late.GetOrder())
	require.EqualValues(t, 8, p.Stock(t, beer))
	p.RequireWallet(t, openingBalance-answers[0].order.GetTotal().GetMinorUnits())

	// An id is the caller's own: somebody else's order may have the same.
	other := shop.Register(t)
	other.TopUp(t, openingBalance)
	theirs := other.Checkout(t, other.Put(t, beer, 1), other.SaveAddress(t), shoptest.Wallet())
	theirs.RequestId = req.GetRequestId()
	res, err := other.Orders.PlaceOrder(t.Context(), theirs)
	require.NoError(t, err)
	require.NotEqual(t, id, res.GetOrder().GetId())
}

// Two tabs order the same cart: one wins, the other is told of it. Once the cart has given up what was ordered, it can be
// ordered from again.
func TestTheSameCartInTwoTabs(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 1000).GetId()
	inProgress := 0
	for range 5 {
		p := shop.Register(t)
		p.TopUp(t, openingBalance)
		address := p.SaveAddress(t)
		req := p.Checkout(t, p.Put(t, beer, 1), address, shoptest.Wallet())
		tabs := make([]*orderv1.PlaceOrderRequest, 4)
		for i := range tabs {
			tabs[i] = proto.CloneOf(req)
			tabs[i].RequestId = shoptest.NewID()
		}
		answers := placeAtOnce(t, p, tabs...)
		winner := ""
		for _, answer := range answers {
			if answer.err == nil {
				require.Empty(t, winner, "two orders of one cart")
				winner = answer.order.GetId()
			}
		}
		require.NotEmpty(t, winner)
		requireOneOrder(t, p, winner)
		for _, answer := range answers {
			if answer.err == nil {
				continue
			}
			require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(answer.err), "%v", answer.err)
			reason, metadata := shoptest.Reason(answer.err)
			if reason != "ORDER_IN_PROGRESS" { // so late that the cart has given everything up
				require.Contains(t, []string{"CART_EMPTY", "QUOTE_CHANGED"}, reason)
				continue
			}
			inProgress++
			require.Equal(t, winner, metadata["order_id"])
		}

		// The next order waits for nothing but the cart.
		version := p.Put(t, beer, 2)
		require.NoError(t, second(p.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: version})))
		var next *orderv1.Order
		require.Eventually(t, func() bool {
			quote, err := p.Orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE"})
			if err != nil {
				return false
			}
			res, err := p.Orders.PlaceOrder(ctx, &orderv1.PlaceOrderRequest{
				RequestId: shoptest.NewID(), QuoteDigest: quote.GetQuote().GetDigest(), AddressId: address, ShippingMethodId: "standard", Payment: shoptest.Wallet(),
			})
			next = res.GetOrder()
			return err == nil
		}, eventually, tick)
		require.EqualValues(t, 2, next.GetLines()[0].GetQuantity(), "and only of what is new")
		awaitRest(t, p, winner)
		awaitRest(t, p, next.GetId())
	}
	require.Positive(t, inProgress)
}
