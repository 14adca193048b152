package e2e_test

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const (
	declinedCard   = "4000000000000002"
	unwillingCard  = "4000000000000309" // it is held, and then can't be taken
	openingBalance = 5000
)

// quantities are what is in a cart, by beer.
func quantities(ctx context.Context, t require.TestingT, p *shoptest.Person) map[string]int32 {
	res, err := p.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{})
	require.NoError(t, err)
	in := make(map[string]int32)
	for _, item := range res.GetCart().GetItems() {
		in[item.GetBeerId()] = item.GetQuantity()
	}
	return in
}

// What changed between the quote and the order is not sold behind the customer's back.
func TestAQuoteThatNoLongerHolds(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	for name, c := range map[string]struct {
		change  func(t *testing.T, p *shoptest.Person, beer *catalogv1.Beer, req *orderv1.PlaceOrderRequest)
		refused string
	}{
		"a price changed": {func(t *testing.T, _ *shoptest.Person, beer *catalogv1.Beer, _ *orderv1.PlaceOrderRequest) {
			require.NoError(t, second(staff.CatalogAdmin.UpdateBeer(ctx, &catalogv1.UpdateBeerRequest{
				Id: beer.GetId(), Beer: &catalogv1.BeerInput{PriceMinorUnits: 1}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"price_minor_units"}},
			})))
		}, "QUOTE_CHANGED"},
		"a beer was archived": {func(t *testing.T, p *shoptest.Person, beer *catalogv1.Beer, _ *orderv1.PlaceOrderRequest) {
			require.NoError(t, second(staff.CatalogAdmin.ArchiveBeer(ctx, &catalogv1.ArchiveBeerRequest{Id: beer.GetId()})))
			_, err := p.Orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE"})
			requireRefused(t, err, connect.CodeFailedPrecondition, "BEER_ARCHIVED")
			_, metadata := shoptest.Reason(err)
			require.Equal(t, beer.GetId(), metadata["beer_id"])
		}, "BEER_ARCHIVED"},
		"the cart changed": {func(t *testing.T, p *shoptest.Person, beer *catalogv1.Beer, _ *orderv1.PlaceOrderRequest) {
			version := p.Put(t, beer.GetId(), 1)
			require.NoError(t, second(p.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: version})))
		}, "QUOTE_CHANGED"},
		"another way to ship": {func(_ *testing.T, _ *shoptest.Person, _ *catalogv1.Beer, req *orderv1.PlaceOrderRequest) {
			req.ShippingMethodId = "express"
		}, "QUOTE_CHANGED"},
		"a quote that nobody made": {func(_ *testing.T, _ *shoptest.Person, _ *catalogv1.Beer, req *orderv1.PlaceOrderRequest) {
			req.QuoteDigest = "0"
		}, "QUOTE_CHANGED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, beer := shop.Register(t), shop.NewBeer(t, staff, 5)
			p.TopUp(t, openingBalance)
			req := p.Checkout(t, p.Put(t, beer.GetId(), 2), p.SaveAddress(t), shoptest.Wallet())
			c.change(t, p, beer, req)
			before := quantities(ctx, t, p)
			requireRefused(t, second(p.Orders.PlaceOrder(ctx, req)), connect.CodeFailedPrecondition, c.refused)
			requireRefused(t, second(p.Orders.PlaceOrder(ctx, req)), connect.CodeFailedPrecondition, c.refused) // nothing is remembered of it
			requireNoOrder(t, p)
			require.Equal(t, before, quantities(ctx, t, p))
			p.RequireWallet(t, openingBalance)
			require.EqualValues(t, 5, p.Stock(t, beer.GetId()))
		})
	}
	empty := shop.Register(t)
	_, err := empty.Orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE"})
	requireRefused(t, err, connect.CodeFailedPrecondition, "CART_EMPTY")
}

func requireNoOrder(t *testing.T, p *shoptest.Person) {
	list, err := p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetOrders())
}

// Orders that can't be paid or delivered end by themselves, and leave everything as it was.
func TestOrdersThatComeToNothing(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	for name, c := range map[string]struct {
		pay    func(t *testing.T, p *shoptest.Person) *orderv1.PaymentMethod
		units  int32
		reason orderv1.CancelReason
	}{
		"a declined card": {func(t *testing.T, p *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Card(p.SaveCard(t, declinedCard))
		}, 3, orderv1.CancelReason_CANCEL_REASON_PAYMENT_DECLINED},
		"a card that can't be charged": {func(t *testing.T, p *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Card(p.SaveCard(t, unwillingCard))
		}, 3, orderv1.CancelReason_CANCEL_REASON_PAYMENT_DECLINED},
		"too little money": {func(*testing.T, *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Wallet()
		}, 25, orderv1.CancelReason_CANCEL_REASON_PAYMENT_DECLINED},
		"too little beer, by wallet": {func(*testing.T, *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Wallet()
		}, 31, orderv1.CancelReason_CANCEL_REASON_OUT_OF_STOCK},
		"too little beer, by card": {func(t *testing.T, p *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Card(p.SaveCard(t, shoptest.GoodCard))
		}, 31, orderv1.CancelReason_CANCEL_REASON_OUT_OF_STOCK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			price, balance := int64(250), int64(openingBalance)
			if c.reason == orderv1.CancelReason_CANCEL_REASON_OUT_OF_STOCK {
				balance = 4 * openingBalance
			}
			p, beer := shop.Register(t), shop.NewBeer(t, staff, 30).GetId()
			p.TopUp(t, balance)
			order := p.Order(t, beer, c.units, c.pay(t, p))
			require.GreaterOrEqual(t, order.GetTotal().GetMinorUnits(), price*int64(c.units))
			ended := p.Await(t, order.GetId(), orderv1.OrderState_ORDER_STATE_CANCELLED)
			require.Equal(t, c.reason, ended.GetCancelReason())
			requireUndone(t, staff, p, order, beer, 30)
			p.RequireWallet(t, balance)
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				require.Equal(c, map[string]int32{beer: order.GetLines()[0].GetQuantity()}, quantities(t.Context(), c, p), "the cart gets its lines back")
			}, eventually, tick)
		})
	}
}

// requireUndone waits until stock and money of a cancelled order are free, and looks that none was taken.
func requireUndone(t *testing.T, staff, p *shoptest.Person, order *orderv1.Order, beer string, stock int32) {
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		ctx := t.Context()
		units, err := staff.Inventory.GetStock(ctx, &inventoryv1.GetStockRequest{BeerId: beer})
		require.NoError(c, err)
		require.Equal(c, stock, units.GetStock().GetAvailable(), "the stock is free again")
		paid, err := staff.PaymentsAdmin.ListPayments(ctx, &paymentv1.ListPaymentsRequest{OrderId: order.GetId()})
		require.NoError(c, err)
		require.Len(c, paid.GetPayments(), 1)
		payment := paid.GetPayments()[0]
		require.Contains(c, []paymentv1.PaymentState{
			paymentv1.PaymentState_PAYMENT_STATE_DECLINED, paymentv1.PaymentState_PAYMENT_STATE_VOIDED, paymentv1.PaymentState_PAYMENT_STATE_REFUNDED,
		}, payment.GetState())
		require.Equal(c, payment.GetCaptured().GetMinorUnits(), payment.GetRefunded().GetMinorUnits())
		wallet, err := p.Payments.GetWallet(ctx, &paymentv1.GetWalletRequest{})
		require.NoError(c, err)
		require.Equal(c, wallet.GetWallet().GetBalance().GetMinorUnits(), wallet.GetWallet().GetAvailable().GetMinorUnits(), "nothing is held")
		shipped, err := p.Orders.GetOrder(ctx, &orderv1.GetOrderRequest{Id: order.GetId()})
		require.NoError(c, err)
		require.Equal(c, orderv1.OrderState_ORDER_STATE_CANCELLED, shipped.GetOrder().GetState())
	}, eventually, tick)
}

// The card's answer comes after the customer changed their mind: what it holds by then is let go.
func TestACardThatAnswersAfterTheCancellation(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	p, beer := shop.Register(t), shop.NewBeer(t, staff, 5).GetId()
	order := p.Order(t, beer, 2, shoptest.Card(p.SaveCard(t, slowCard)))
	cancel := &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: order.GetId()}
	res, err := p.Orders.CancelOrder(ctx, cancel)
	if shoptest.Given() && res.GetOrder().GetState() != orderv1.OrderState_ORDER_STATE_CANCELLED {
		t.Skip("even the slow card of this shop answers too soon")
	}
	require.NoError(t, err)
	require.Equal(t, orderv1.OrderState_ORDER_STATE_CANCELLED, res.GetOrder().GetState(), "nobody else is asked while an order is pending")
	again := &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: order.GetId()}
	requireRefused(t, second(p.Orders.CancelOrder(ctx, again)), connect.CodeFailedPrecondition, "ORDER_NOT_CANCELLABLE")

	payment := staff.AwaitPayment(t, order.GetId(), paymentv1.PaymentState_PAYMENT_STATE_VOIDED)
	require.Zero(t, payment.GetCaptured().GetMinorUnits())
	requireUndone(t, staff, p, order, beer, 5)
	got, err := p.Orders.GetOrder(ctx, &orderv1.GetOrderRequest{Id: order.GetId()})
	require.NoError(t, err)
	require.Equal(t, orderv1.CancelReason_CANCEL_REASON_CUSTOMER, got.GetOrder().GetCancelReason())
	require.Empty(t, quantities(ctx, t, p), "what the customer didn't want does not come back")
}
