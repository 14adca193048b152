// Package kill_test kills the whole shop while people buy, again and again, and looks whether anything was lost.
package kill_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const (
	customers = 20
	common    = 3 // beers of which there is plenty
	plenty    = 5000
	rare      = 2 // beers that sell out
	scarce    = 10
	topUp     = 40_000 // cents: enough for some orders, then the wallet declines
)

// flags make warehouse and courier take their time, so that a kill meets parcels on every part of the way.
var flags = append([]string{"--shipping-assembly-time=60ms", "--courier-step-time=40ms"}, shoptest.CheapHashes...)

// TAPROOM_KILLS is how often the shop is killed; TAPROOM_SEED repeats the moments and the choices of an earlier run, though
// not what the machine made of them.
func setting(t *testing.T, variable string, unset uint64) uint64 {
	text := os.Getenv(variable)
	if text == "" {
		return unset
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return n
}

func TestNothingIsLostWhenTheShopIsKilled(t *testing.T) {
	if shoptest.Given() {
		t.Skip("somebody else's shop is not ours to kill")
	}
	seed, kills := setting(t, "TAPROOM_SEED", rand.Uint64()), setting(t, "TAPROOM_KILLS", 4)
	t.Logf("TAPROOM_SEED=%d TAPROOM_KILLS=%d", seed, kills)

	w := open(t, seed)
	buying, stop := context.WithCancel(t.Context())
	var group errgroup.Group
	for _, b := range w.buyers {
		group.Go(func() error { return b.shop(buying) })
	}
	moments := rand.New(rand.NewPCG(seed, 0))
	for range kills {
		<-time.After(time.Duration(500+moments.IntN(2000)) * time.Millisecond)
		w.shop.Kill(t)
		killed := time.Now()
		w.shop.Restart(t, flags...)
		t.Logf("open again after %v", time.Since(killed).Round(time.Millisecond))
		require.NoError(t, w.shop.Healthy(t.Context()))
	}
	stop()
	require.NoError(t, group.Wait())
	w.check(t)
}

// world is the shop with those who buy in it.
type world struct {
	shop   *shoptest.Shop
	beers  []string // the common ones first
	stock  map[string]int32
	buyers []*buyer
}

func open(t *testing.T, seed uint64) *world {
	w := &world{shop: shoptest.Start(t, flags...), stock: make(map[string]int32)}
	staff := w.shop.Login(t, w.shop.Staff)
	for i := range common + rare {
		units := int32(plenty)
		if i >= common {
			units = scarce
		}
		id := w.shop.NewBeer(t, staff, units).GetId()
		w.beers, w.stock[id] = append(w.beers, id), units
	}
	cards := []string{
		shoptest.GoodCard,
		"4000000000000002", // declines
		"4000000000000267", // tells twice
		"4000000000000275", // never tells
		"4000000000000283", // two captures fail
		"4000000000000291", // answers get lost
		"4000000000000309", // can't take what it holds
	}
	for i := range customers {
		p := w.shop.Register(t)
		b := &buyer{
			world: w, Person: p, since: time.Now(), address: p.SaveAddress(t), payment: shoptest.Wallet(),
			choice: rand.New(rand.NewPCG(seed, uint64(i)+1)),
		}
		if i%2 == 0 {
			p.TopUp(t, topUp)
		} else {
			b.payment = shoptest.Card(p.SaveCard(t, cards[i/2%len(cards)]))
		}
		w.buyers = append(w.buyers, b)
	}
	return w
}

// buyer is a customer who repeats each request until it is answered.
type buyer struct {
	*shoptest.Person
	world   *world
	since   time.Time // when the token was made
	address string
	payment *orderv1.PaymentMethod
	choice  *rand.Rand

	accepted  []accepted
	cancelled map[string]bool // orders whose cancellation was carried out at once
}

type accepted struct {
	request *orderv1.PlaceOrderRequest
	order   *orderv1.Order
}

// shop orders one thing after the other until ctx ends; what is begun is brought to an answer.
func (b *buyer) shop(ctx context.Context) error {
	b.cancelled = make(map[string]bool)
	for ctx.Err() == nil {
		// A buyer who gets no answer for so long has found a shop that doesn't come back.
		once, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		err := b.buy(once)
		done()
		if err != nil {
			return fmt.Errorf("customer %s: %w", b.ID, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(b.choice.IntN(300)) * time.Millisecond):
		}
	}
	return nil
}

func (b *buyer) buy(ctx context.Context) error {
	if time.Since(b.since) > 3*time.Minute {
		if err := b.signIn(ctx); err != nil {
			return err
		}
	}
	order, err := b.order(ctx)
	if err != nil || order == nil || b.choice.IntN(4) > 0 {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(b.choice.IntN(250)) * time.Millisecond):
	}
	res, err := shoptest.Insist(ctx, b.Orders.CancelOrder, &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: order.GetId()})
	if reason, _ := shoptest.Reason(err); reason == "ORDER_NOT_CANCELLABLE" {
		return nil
	}
	if res.GetOrder().GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED {
		b.cancelled[order.GetId()] = true
	}
	return err
}

// order fills the cart and orders it. It answers nil when the shop would not have it, with a good reason.
func (b *buyer) order(ctx context.Context) (*orderv1.Order, error) {
	var version int64
	for _, beer := range b.choose() {
		res, err := shoptest.Insist(ctx, b.CartCommands.AddItem, &cartv1.AddItemRequest{
			RequestId: shoptest.NewID(), BeerId: beer, Quantity: 1 + b.choice.Int32N(3),
		})
		if err != nil {
			return nil, err
		}
		version = res.GetCart().GetVersion()
	}
	quote, err := shoptest.Insist(ctx, b.Orders.QuoteOrder, &orderv1.QuoteOrderRequest{
		ShippingMethodId: "standard", Country: "DE", MinCartVersion: version,
	})
	if err != nil {
		return nil, refusal(err)
	}
	req := &orderv1.PlaceOrderRequest{
		RequestId: shoptest.NewID(), QuoteDigest: quote.GetQuote().GetDigest(), AddressId: b.address, ShippingMethodId: "standard", Payment: b.payment,
	}
	res, err := shoptest.Insist(ctx, b.Orders.PlaceOrder, req)
	if err != nil {
		return nil, refusal(err)
	}
	b.accepted = append(b.accepted, accepted{request: req, order: res.GetOrder()})
	return res.GetOrder(), nil
}

// choose picks one or two beers; a scarce one now and then, for else nearly all orders would fail at it.
func (b *buyer) choose() []string {
	beers := slices.Clone(b.world.beers[:common])
	b.choice.Shuffle(len(beers), func(i, j int) { beers[i], beers[j] = beers[j], beers[i] })
	beers = beers[:1+b.choice.IntN(2)]
	if b.choice.IntN(8) == 0 {
		beers[0] = b.world.beers[common+b.choice.IntN(rare)]
	}
	return beers
}

// refusal answers nil for what a shop may say to somebody whose last order is still being taken from the cart, or comes back
// to it.
func refusal(err error) error {
	reason, _ := shoptest.Reason(err)
	if slices.Contains([]string{"ORDER_IN_PROGRESS", "QUOTE_CHANGED", "CART_EMPTY", "CHECKOUT_CHANGED"}, reason) {
		return nil
	}
	return err
}

func (b *buyer) signIn(ctx context.Context) error {
	res, err := shoptest.Insist(ctx, b.Users.Login, &userv1.LoginRequest{Email: b.Account.Email, Password: b.Account.Password})
	if err != nil {
		return err
	}
	id, account := b.ID, b.Account
	b.Person = b.world.shop.Anybody(res.GetSession().GetAccessToken())
	b.ID, b.Account, b.since = id, account, time.Now()
	return nil
}

// check waits until the shop is at rest and compares what it says with what the customers were told.
func (w *world) check(t *testing.T) {
	started := time.Now()
	orders := w.atRest(t)
	t.Logf("%d orders came to an end %v after the last start", len(orders), time.Since(started).Round(time.Millisecond))

	byID := make(map[string]*orderv1.Order)
	for _, o := range orders {
		byID[o.GetId()] = o
	}
	sold := make(map[string]int32)
	states := make(map[string]int)
	told := 0
	for _, b := range w.buyers {
		require.NoError(t, b.signIn(t.Context()))
		spent := int64(0)
		for _, a := range b.accepted {
			told++
			o := byID[a.order.GetId()]
			require.NotNil(t, o, "order %s was accepted and is lost", a.order.GetId())
			require.Equal(t, b.ID, o.GetUserId())
			require.Equal(t, a.order.GetTotal().GetMinorUnits(), o.GetTotal().GetMinorUnits())
			again, err := b.Orders.PlaceOrder(t.Context(), a.request)
			require.NoError(t, err)
			require.Equal(t, a.order.GetId(), again.GetOrder().GetId(), "a request makes one order, however often it comes")
			if b.cancelled[o.GetId()] {
				require.Equal(t, orderv1.OrderState_ORDER_STATE_CANCELLED, o.GetState(), "order %s was told to be cancelled", o.GetId())
			}
			states[strings.TrimPrefix(o.GetState().String(), "ORDER_STATE_")+" "+strings.TrimPrefix(o.GetCancelReason().String(), "CANCEL_REASON_")]++
			if o.GetState() != orderv1.OrderState_ORDER_STATE_DELIVERED {
				continue
			}
			for _, line := range o.GetLines() {
				sold[line.GetBeerId()] += line.GetQuantity()
			}
			spent += o.GetTotal().GetMinorUnits()
		}
		if b.payment.GetWallet() {
			b.RequireWallet(t, topUp-spent)
		}
		b.requireGaplessNews(t)
	}
	t.Logf("%v, all told of after %v", states, time.Since(started).Round(time.Millisecond))
	require.Len(t, orders, told, "there are orders that nobody was told of")

	staff := w.shop.Login(t, w.shop.Staff)
	for beer, received := range w.stock {
		require.Equal(t, received-sold[beer], staff.Stock(t, beer), "what is left of beer %s", beer)
		require.Equal(t, sold[beer], shipped(t, staff, beer), "what was shipped of beer %s", beer)
	}
	t.Logf("\n%sThe books are at rest after %v.", w.shop.BooksBalance(t), time.Since(started).Round(time.Millisecond))
}

// atRest waits until nothing follows any more, and answers all orders.
func (w *world) atRest(t *testing.T) []*orderv1.Order {
	staff := w.shop.Login(t, w.shop.Staff)
	var orders []*orderv1.Order
	shoptest.Until(t, 2*time.Minute, func() bool {
		orders = orders[:0]
		for token, first := "", true; first || token != ""; first = false {
			res, err := staff.OrdersAdmin.SearchOrders(t.Context(), &orderv1.SearchOrdersRequest{PageSize: 100, PageToken: token})
			require.NoError(t, err)
			orders, token = append(orders, res.GetOrders()...), res.GetNextPageToken()
		}
		return !slices.ContainsFunc(orders, func(o *orderv1.Order) bool { return !shoptest.Final(o.GetState()) })
	}, "orders got stuck")
	return orders
}

// requireGaplessNews fails the test unless the customer was told of the end of each order, in numbers without a gap.
func (b *buyer) requireGaplessNews(t *testing.T) {
	shoptest.Until(t, 2*time.Minute, func() bool {
		ended, expected := 0, int64(0)
		for token, first := "", true; first || token != ""; first = false {
			res, err := b.Notifications.ListNotifications(t.Context(), &notificationv1.ListNotificationsRequest{PageSize: 100, PageToken: token})
			require.NoError(t, err)
			for _, n := range res.GetNotifications() {
				if expected == 0 {
					expected = n.GetNumber()
				}
				require.Equal(t, expected, n.GetNumber(), "numbers of notifications of %s", b.ID)
				expected--
				if n.GetState() == "DELIVERED" || n.GetState() == "CANCELLED" {
					ended++
				}
			}
			token = res.GetNextPageToken()
		}
		require.Zero(t, expected, "the first notification has number 1")
		require.LessOrEqual(t, ended, len(b.accepted), "an end is told once")
		return ended == len(b.accepted)
	}, "customer %s was not told of each end", b.ID)
}

func shipped(t *testing.T, staff *shoptest.Person, beer string) int32 {
	var units int32
	for token, first := "", true; first || token != ""; first = false {
		res, err := staff.InventoryAdmin.ListMovements(t.Context(), &inventoryv1.ListMovementsRequest{BeerId: beer, PageSize: 100, PageToken: token})
		require.NoError(t, err)
		for _, m := range res.GetMovements() {
			if m.GetKind() == inventoryv1.MovementKind_MOVEMENT_KIND_SHIPPED {
				units -= m.GetQuantity()
			}
		}
		token = res.GetNextPageToken()
	}
	return units
}
