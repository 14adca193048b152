package sim_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
)

// The cards of the simulated provider, in turn.
var cardNumbers = []string{
	"4242424242424242", "4000000000000002", "4000000000009995", "4000000000000259", "4000000000000267",
	"4000000000000275", "4000000000000283", "4000000000000291", "4000000000000309",
}

// frontOffice stands in for what the order flow only reads: prices and addresses.
type frontOffice struct {
	catalogv1connect.UnimplementedCatalogPriceServiceHandler
	userv1connect.UnimplementedUserServiceHandler
	mu        sync.Mutex
	prices    map[string]int64  // of beers
	addresses map[string]string // of users
}

// BatchGetPrices implements CatalogPriceService.
func (f *frontOffice) BatchGetPrices(_ context.Context, req *catalogv1.BatchGetPricesRequest) (*catalogv1.BatchGetPricesResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	res := &catalogv1.BatchGetPricesResponse{}
	for _, id := range req.GetBeerIds() {
		res.Prices = append(res.Prices, &catalogv1.BeerPrice{
			BeerId: id, Name: "Test Pale", Price: &typev1.Money{Currency: "EUR", MinorUnits: f.prices[id]}, Version: 1,
		})
	}
	return res, nil
}

// dearer raises the price of a beer.
func (f *frontOffice) dearer(beer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prices[beer]++
}

// ListAddresses implements UserService.
func (f *frontOffice) ListAddresses(ctx context.Context, _ *userv1.ListAddressesRequest) (*userv1.ListAddressesResponse, error) {
	return &userv1.ListAddressesResponse{Addresses: []*userv1.SavedAddress{{
		Id:      f.addresses[identity.Must(ctx).ID],
		Address: &typev1.Address{Recipient: "Ada", Street: "Brewer's Lane 1", City: "Berlin", PostalCode: "10115", Country: "DE"},
	}}}, nil
}

// customer is somebody who orders.
type customer struct {
	id        string
	cards     []string
	toppedUp  int64
	added     map[string]int32 // to the cart, by beer
	carts     cartv1connect.CartCommandServiceClient
	cart      cartv1connect.CartQueryServiceClient
	orders    orderv1connect.OrderServiceClient
	payments  paymentv1connect.PaymentServiceClient
	lastOrder *orderv1.PlaceOrderRequest
}

// people are those who act in a simulation.
type people struct {
	*world
	customers []*customer
	beers     []string
	stocked   map[string]int32
	staff     orderv1connect.OrderAdminServiceClient
	budget    int // attempts to order that are left
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func client[C any](w *world, construct func(connect.HTTPClient, string, ...connect.ClientOption) C, role identity.Role, id string) C {
	http, url := w.shop.Client("edge")
	return construct(http, url, w.shop.As(role, id))
}

// newPeople brings customers with cards and money, and beers of which some are scarce.
func newPeople(w *world, budget int) *people {
	p := &people{
		world: w, stocked: make(map[string]int32), budget: budget,
		staff: client(w, orderv1connect.NewOrderAdminServiceClient, identity.RoleStaff, newID()),
	}
	stock := client(w, inventoryv1connect.NewInventoryAdminServiceClient, identity.RoleStaff, newID())
	for _, units := range []int32{1000, 1000, 1000, 12, 3} {
		beer := newID()
		w.called(beer, "beer")
		w.front.prices[beer] = 100 + w.rng.Int64N(900)
		p.beers, p.stocked[beer] = append(p.beers, beer), units
		_, err := stock.AdjustStock(context.Background(), &inventoryv1.AdjustStockRequest{
			RequestId: newID(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED,
			Adjustments: []*inventoryv1.StockAdjustment{{BeerId: beer, Delta: units}},
		})
		require.NoError(w.t, err)
	}
	for range 4 {
		p.arrive()
	}
	return p
}

func (p *people) arrive() {
	id, w := newID(), p.world
	w.called(id, "customer")
	w.front.addresses[id] = newID()
	c := &customer{
		id: id, added: make(map[string]int32),
		carts:    client(w, cartv1connect.NewCartCommandServiceClient, identity.RoleCustomer, id),
		cart:     client(w, cartv1connect.NewCartQueryServiceClient, identity.RoleCustomer, id),
		orders:   client(w, orderv1connect.NewOrderServiceClient, identity.RoleCustomer, id),
		payments: client(w, paymentv1connect.NewPaymentServiceClient, identity.RoleCustomer, id),
	}
	for i := range 3 {
		number := cardNumbers[0]
		if i > 0 {
			number = cardNumbers[w.rng.IntN(len(cardNumbers))]
		}
		res, err := c.payments.SaveCard(context.Background(), &paymentv1.SaveCardRequest{Number: number, ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
		require.NoError(w.t, err)
		c.cards = append(c.cards, res.GetCard().GetId())
	}
	c.toppedUp = 2000 + w.rng.Int64N(15000)
	_, err := c.payments.TopUpWallet(context.Background(), &paymentv1.TopUpWalletRequest{RequestId: newID(), CardId: c.cards[0], AmountMinorUnits: c.toppedUp})
	require.NoError(w.t, err)
	p.customers = append(p.customers, c)
}

// discover learns of an order from its event.
func (w *world) discover(data []byte) {
	ev := &eventv1.OrderPlaced{}
	require.NoError(w.t, proto.Unmarshal(data, ev))
	if !slices.ContainsFunc(w.orders, func(o *eventv1.OrderPlaced) bool { return o.GetOrderId() == ev.GetOrderId() }) {
		w.orders = append(w.orders, ev)
	}
}

// call makes a call that is cut short now and then. It is repeated, with the same request, when its end is not known, and
// sometimes when it is.
func (p *people) call(what string, fn func(ctx context.Context) error, allowed ...string) {
	for {
		after := 0
		if p.chance(0.15) {
			after = 1 + p.rng.IntN(6)
		}
		var err error
		blown := p.fuse.around(context.Background(), after, func(ctx context.Context) { err = fn(ctx) })
		reason := fault.ReasonOf(rpc.Fault(err))
		switch {
		case blown:
			p.note("%s: cut short", what)
			if p.chance(0.3) {
				return // and never asks what became of it
			}
			continue
		case err != nil && !slices.Contains(allowed, reason):
			p.wrong("%s: %v (%s)", what, err, reason)
		case err != nil:
			p.note("%s: %s", what, reason)
		default:
			p.note("%s", what)
		}
		if err != nil || !p.chance(0.2) {
			return
		}
	}
}

// fill puts something into a cart.
func (p *people) fill() {
	c := p.customers[p.rng.IntN(len(p.customers))]
	beer := p.beers[p.rng.IntN(len(p.beers))]
	req := &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1 + p.rng.Int32N(3)}
	for range 5 { // what is not known to be in it would not be missed later
		_, err := c.carts.AddItem(context.Background(), req)
		if err == nil {
			break
		}
		require.Equal(p.t, fault.KindUnavailable, fault.KindOf(rpc.Fault(err)), "%v", err)
	}
	c.added[beer] += req.GetQuantity()
	p.note("%s adds %d of %s", p.names[c.id], req.GetQuantity(), p.names[beer])
	p.collect()
}

// order has a customer check out what the cart shows.
func (p *people) order() {
	c := p.customers[p.rng.IntN(len(p.customers))]
	method := []string{"standard", "express"}[p.rng.IntN(2)]
	who := p.names[c.id]
	quoted, err := c.orders.QuoteOrder(context.Background(), &orderv1.QuoteOrderRequest{ShippingMethodId: method, Country: "DE"})
	if err != nil {
		require.Equal(p.t, "CART_EMPTY", fault.ReasonOf(rpc.Fault(err)), "%v", err)
		p.fill()
		return
	}
	p.budget--
	if p.chance(0.05) {
		p.front.dearer(p.beers[p.rng.IntN(len(p.beers))])
	}
	payment := &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}}
	if p.chance(0.55) {
		payment.Method = &orderv1.PaymentMethod_CardId{CardId: c.cards[p.rng.IntN(len(c.cards))]}
	}
	req := &orderv1.PlaceOrderRequest{
		RequestId: newID(), QuoteDigest: quoted.GetQuote().GetDigest(), AddressId: p.front.addresses[c.id], ShippingMethodId: method, Payment: payment,
	}
	if c.lastOrder != nil && p.chance(0.1) {
		req = c.lastOrder // a tab that was left open tries again
	}
	c.lastOrder = req
	p.call(who+" orders", func(ctx context.Context) error {
		_, err := c.orders.PlaceOrder(ctx, req)
		return err
	}, "CART_EMPTY", "QUOTE_CHANGED", "ORDER_IN_PROGRESS")
}

// cancel has a customer or staff cancel or recall an order.
func (p *people) cancel() {
	if len(p.orders) == 0 {
		return
	}
	recent := p.orders[max(0, len(p.orders)-6):]
	o := recent[p.rng.IntN(len(recent))]
	if p.chance(0.5) {
		p.customerCancels(o)
		return
	}
	p.staffCancels(o.GetOrderId(), p.chance(0.6))
}

func (p *people) customerCancels(o *eventv1.OrderPlaced) {
	c := p.customerOf(o.GetUserId())
	req := &orderv1.CancelOrderRequest{RequestId: newID(), Id: o.GetOrderId()}
	p.call(p.names[c.id]+" cancels "+p.called(o.GetOrderId(), "order"), func(ctx context.Context) error {
		_, err := c.orders.CancelOrder(ctx, req)
		return err
	}, "ORDER_NOT_CANCELLABLE")
}

func (p *people) staffCancels(orderID string, recall bool) {
	req := &orderv1.OrderAdminServiceCancelOrderRequest{
		RequestId: newID(), Id: orderID, Reason: orderv1.CancelReason_CANCEL_REASON_STAFF, Recall: recall,
	}
	if p.chance(0.3) {
		req.Reason = orderv1.CancelReason_CANCEL_REASON_FRAUD
	}
	what := "staff cancel "
	if recall {
		what = "staff recall "
	}
	p.call(what+p.called(orderID, "order"), func(ctx context.Context) error {
		_, err := p.staff.CancelOrder(ctx, req)
		return err
	}, "ORDER_NOT_CANCELLABLE")
}

func (p *people) customerOf(id string) *customer {
	return p.customers[slices.IndexFunc(p.customers, func(c *customer) bool { return c.id == id })]
}

// pass lets time go by: mostly little, at times more than an order may be pending.
func (w *world) pass() {
	d := w.between(time.Millisecond, 300*time.Millisecond)
	switch r := w.rng.Float64(); {
	case r < 0.0015:
		d = w.between(5*time.Minute, 20*time.Minute)
	case r < 0.015:
		d = w.between(10*time.Second, time.Minute)
	}
	w.clock.advance(d)
}
