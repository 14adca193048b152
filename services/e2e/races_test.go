package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const (
	slowCard       = "4000000000000259"
	hesitatingCard = "4000000000000283" // two captures fail before one succeeds
)

// own starts a shop for a test that stops it or can't do without its flags: one that runs already is not touched.
func own(t *testing.T, flags ...string) *shoptest.Shop {
	if shoptest.Given() {
		t.Skip("needs a shop that it may stop, or give other time limits")
	}
	return shoptest.Start(t, flags...)
}

// seeded answers a source of choices, and prints what repeats it.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// atOnce calls all of them at the same moment and answers their errors in order.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = call(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// each does something for each of n, some of them side by side.
func each(t *testing.T, n int, do func(i int)) {
	var group errgroup.Group
	group.SetLimit(16)
	for i := range n {
		group.Go(func() error { do(i); return nil })
	}
	require.NoError(t, group.Wait())
	if t.Failed() {
		t.FailNow()
	}
}

// orderAgain orders once the cart has seen the order before.
func orderAgain(t *testing.T, p *shoptest.Person, beer string, pay *orderv1.PaymentMethod) string {
	address, version := p.SaveAddress(t), p.Put(t, beer, 1)
	var order *orderv1.Order
	shoptest.Until(t, 60*time.Second, func() bool {
		res, err := p.Orders.PlaceOrder(t.Context(), p.Checkout(t, version, address, pay))
		order = res.GetOrder()
		return err == nil
	}, "the order before stays in the cart")
	return order.GetId()
}

func TestAHundredWantTheLastTenBottles(t *testing.T) {
	shop := shoptest.Start(t, shoptest.CheapHashes...)
	staff := shop.Login(t, shop.Staff)
	const buyers, bottles, money = 100, 10, 5000
	beer := shop.NewBeer(t, staff, bottles)

	people := make([]*shoptest.Person, buyers)
	requests := make([]*orderv1.PlaceOrderRequest, buyers)
	each(t, buyers, func(i int) {
		p := shop.Register(t)
		p.TopUp(t, money)
		people[i], requests[i] = p, p.Checkout(t, p.Put(t, beer.GetId(), 1), p.SaveAddress(t), shoptest.Wallet())
	})
	orders := make([]*orderv1.Order, buyers)
	for _, err := range atOnce(buyers, func(i int) error {
		res, err := people[i].Orders.PlaceOrder(t.Context(), requests[i])
		orders[i] = res.GetOrder()
		return err
	}) {
		require.NoError(t, err, "whether there is enough is found out afterwards")
	}
	delivered := 0
	for i, p := range people {
		order := p.AwaitFinal(t, orders[i].GetId())
		if order.GetState() == orderv1.OrderState_ORDER_STATE_DELIVERED {
			delivered++
			continue
		}
		require.Equal(t, orderv1.CancelReason_CANCEL_REASON_OUT_OF_STOCK, order.GetCancelReason())
	}
	require.Equal(t, bottles, delivered)
	require.Zero(t, staff.Stock(t, beer.GetId()))
	shop.BooksBalance(t) // all holds are lifted by now

	for i, p := range people {
		order, payment := p.AwaitFinal(t, orders[i].GetId()), staff.PaymentOf(t, orders[i].GetId())
		if order.GetState() == orderv1.OrderState_ORDER_STATE_DELIVERED {
			p.RequireWallet(t, money-order.GetTotal().GetMinorUnits())
			require.Equal(t, paymentv1.PaymentState_PAYMENT_STATE_CAPTURED, payment.GetState())
			continue
		}
		p.RequireWallet(t, money)
		require.Equal(t, paymentv1.PaymentState_PAYMENT_STATE_VOIDED, payment.GetState())
		require.Zero(t, payment.GetCaptured().GetMinorUnits(), "nobody is charged for what is sold out")
	}
}

// timeToHandOver waits until a courier has the order and answers how long that took.
func timeToHandOver(t *testing.T, p *shoptest.Person, orderID string) time.Duration {
	p.AwaitFinal(t, orderID)
	res, err := p.Orders.GetOrderTimeline(t.Context(), &orderv1.GetOrderTimelineRequest{Id: orderID})
	require.NoError(t, err)
	for _, entry := range res.GetEntries() {
		if entry.GetType() == "shipment.handed_over" {
			return entry.GetOccurredAt().AsTime().Sub(res.GetEntries()[0].GetOccurredAt().AsTime())
		}
	}
	require.FailNow(t, "nobody handed it over")
	return 0
}

func TestCancellingRacesWithHandOver(t *testing.T) {
	shop := shoptest.Start(t, append([]string{"--courier-step-time=5ms"}, shoptest.CheapHashes...)...)
	staff := shop.Login(t, shop.Staff)
	choice := seeded(t)
	const buyers, perBuyer, money, units = 8, 12, 20_000, 500
	beer := shop.NewBeer(t, staff, units)
	first := shop.Register(t)
	first.TopUp(t, money)
	way := timeToHandOver(t, first, first.Order(t, beer.GetId(), 1, shoptest.Wallet()).GetId())
	seeds := make([]uint64, buyers)
	for i := range seeds {
		seeds[i] = choice.Uint64()
	}
	type outcome struct {
		id        string
		cancelled error // of the call
	}
	outcomes := make([][]outcome, buyers)
	people := make([]*shoptest.Person, buyers)
	each(t, buyers, func(i int) {
		p := shop.Register(t)
		pay := shoptest.Wallet()
		if i%2 == 0 {
			p.TopUp(t, money)
		} else {
			pay = shoptest.Card(p.SaveCard(t, shoptest.GoodCard))
		}
		people[i] = p
		// How long it takes to the hand-over depends on the machine: each buyer closes in on it.
		choice, delay := rand.New(rand.NewPCG(seeds[i], 0)), way
		for range perBuyer {
			order := orderAgain(t, p, beer.GetId(), pay)
			<-time.After(delay/2 + time.Duration(choice.Int64N(int64(delay)))) // not to wait for something, but to come at any moment
			_, err := p.Orders.CancelOrder(t.Context(), &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: order})
			outcomes[i] = append(outcomes[i], outcome{order, err})
			if p.AwaitFinal(t, order).GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED {
				delay = delay * 4 / 3
			} else {
				delay = delay * 3 / 4
			}
		}
	})
	shop.BooksBalance(t)

	counts, sold := make(map[string]int), int32(1)
	for i, p := range people {
		spent := int64(0)
		for _, o := range outcomes[i] {
			order, payment, line := p.AwaitFinal(t, o.id), staff.PaymentOf(t, o.id), p.Timeline(t, o.id)
			refused, _ := shoptest.Reason(o.cancelled)
			captured, refunded := payment.GetCaptured().GetMinorUnits(), payment.GetRefunded().GetMinorUnits()
			if order.GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED {
				require.NoError(t, o.cancelled, "a cancellation that was refused is not carried out")
				require.Equal(t, orderv1.CancelReason_CANCEL_REASON_CUSTOMER, order.GetCancelReason())
				require.Equal(t, captured, refunded)
				require.NotContains(t, line, "shipment.handed_over")
				require.NotContains(t, line, "shipment.delivered")
				counts[fmt.Sprintf("cancelled, charged before: %t", captured > 0)]++
				continue
			}
			sold++
			spent += order.GetTotal().GetMinorUnits()
			require.Equal(t, order.GetTotal().GetMinorUnits(), captured)
			require.Zero(t, refunded)
			require.NotContains(t, line, "shipment.stopped")
			require.Contains(t, line, "shipment.delivered")
			if o.cancelled == nil { // it was only asked for, and shipping had to say no
				require.Contains(t, line, "shipment.stop_refused")
				counts["delivered, refused later"]++
				continue
			}
			require.Equal(t, "ORDER_NOT_CANCELLABLE", refused)
			counts["delivered, refused at once"]++
		}
		if i%2 == 0 {
			p.RequireWallet(t, money-spent)
		}
	}
	t.Logf("%v, first hand-over after %v", counts, way.Round(time.Millisecond))
	require.Greater(t, sold, int32(1), "none came too late: this was no race")
	require.Less(t, sold, int32(1+buyers*perBuyer), "all came too late: this was no race")
	require.Equal(t, units-sold, staff.Stock(t, beer.GetId()))
}

func TestAnAuthorisationThatComesTooLateIsLetGo(t *testing.T) {
	shop := own(t, "--order-pending-timeout=1s", "--payment-card-delay=3s")
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 5)
	p := shop.Register(t)
	placed := p.Order(t, beer.GetId(), 2, shoptest.Card(p.SaveCard(t, slowCard)))

	order := p.AwaitFinal(t, placed.GetId())
	require.Equal(t, orderv1.CancelReason_CANCEL_REASON_TIMEOUT, order.GetCancelReason())
	require.Equal(t, paymentv1.PaymentState_PAYMENT_STATE_AUTHORIZING, staff.PaymentOf(t, placed.GetId()).GetState(), "the provider has not answered yet")

	payment := staff.AwaitPayment(t, placed.GetId(), paymentv1.PaymentState_PAYMENT_STATE_VOIDED)
	require.Zero(t, payment.GetCaptured().GetMinorUnits())
	shoptest.Until(t, 60*time.Second, func() bool { return staff.Stock(t, beer.GetId()) == 5 }, "the stock does not come back")
	shop.BooksBalance(t)
	// What the customer did not want to give up is in the cart again.
	shoptest.Until(t, 60*time.Second, func() bool {
		res, err := p.CartQueries.GetCart(t.Context(), &cartv1.GetCartRequest{})
		return err == nil && len(res.GetCart().GetItems()) == 1 && res.GetCart().GetItems()[0].GetQuantity() == 2
	}, "the cart stays empty")
}

func TestACaptureAfterTheCancellationIsRefunded(t *testing.T) {
	shop := shoptest.Start(t)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 5)
	p := shop.Register(t)
	placed := p.Order(t, beer.GetId(), 1, shoptest.Card(p.SaveCard(t, hesitatingCard)))
	staff.AwaitPayment(t, placed.GetId(), paymentv1.PaymentState_PAYMENT_STATE_CAPTURING)

	res, err := p.Orders.CancelOrder(t.Context(), &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: placed.GetId()})
	require.NoError(t, err)
	require.Equal(t, orderv1.OrderState_ORDER_STATE_CANCELLED, res.GetOrder().GetState(), "it is still pending, so the order decides")

	payment := staff.AwaitPayment(t, placed.GetId(), paymentv1.PaymentState_PAYMENT_STATE_REFUNDED)
	require.Equal(t, placed.GetTotal().GetMinorUnits(), payment.GetCaptured().GetMinorUnits(), "what the provider says is a fact")
	require.Equal(t, placed.GetTotal().GetMinorUnits(), payment.GetRefunded().GetMinorUnits())
	shoptest.Until(t, 60*time.Second, func() bool { return slices.Contains(p.Timeline(t, placed.GetId()), "payment.refunded") }, "the order does not hear of the refund")
	shop.BooksBalance(t)
	line := p.Timeline(t, placed.GetId())
	require.Less(t, slices.Index(line, "order.cancelled"), slices.Index(line, "payment.captured"))
	require.Less(t, slices.Index(line, "payment.captured"), slices.Index(line, "payment.refunded"))
	require.Equal(t, orderv1.CancelReason_CANCEL_REASON_CUSTOMER, p.AwaitFinal(t, placed.GetId()).GetCancelReason())
	require.EqualValues(t, 5, staff.Stock(t, beer.GetId()))
}

func TestAHundredWritersOfACartLoseNothing(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	beers := []string{shop.NewBeer(t, staff, 0).GetId(), shop.NewBeer(t, staff, 0).GetId()}
	p := shop.Register(t)
	const writers = 100
	versions := make([]int64, writers)
	for _, err := range atOnce(writers, func(i int) error {
		res, err := p.CartCommands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: shoptest.NewID(), BeerId: beers[i%2], Quantity: 1})
		versions[i] = res.GetCart().GetVersion()
		return err
	}) {
		require.NoError(t, err)
	}
	last := slices.Max(versions)
	slices.Sort(versions)
	require.Len(t, slices.Compact(versions), writers, "each write has a version of its own")
	res, err := p.CartQueries.GetCart(t.Context(), &cartv1.GetCartRequest{MinVersion: last})
	require.NoError(t, err)
	require.Len(t, res.GetCart().GetItems(), 2)
	for _, item := range res.GetCart().GetItems() {
		require.EqualValues(t, writers/2, item.GetQuantity())
	}
}

func TestTabsThatCheckOutTheSameCartMakeOneOrder(t *testing.T) {
	shop := shoptest.Start(t, shoptest.CheapHashes...)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 1000)
	p := shop.Register(t)
	p.TopUp(t, 50_000)
	address := p.SaveAddress(t)
	const rounds, tabs = 15, 8
	inProgress := 0
	for round := range rounds {
		quoted := p.Checkout(t, p.Put(t, beer.GetId(), 1), address, shoptest.Wallet())
		orders := make([]*orderv1.Order, tabs)
		errs := atOnce(tabs, func(i int) error {
			res, err := p.Orders.PlaceOrder(t.Context(), &orderv1.PlaceOrderRequest{
				RequestId: shoptest.NewID(), QuoteDigest: quoted.GetQuoteDigest(), AddressId: address, ShippingMethodId: "standard", Payment: shoptest.Wallet(),
			})
			orders[i] = res.GetOrder()
			return err
		})
		winners := slices.DeleteFunc(slices.Clone(orders), func(o *orderv1.Order) bool { return o == nil })
		require.Len(t, winners, 1, "round %d: %v", round, errs)
		for _, err := range errs {
			if err == nil {
				continue
			}
			require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err), err)
			reason, metadata := shoptest.Reason(err)
			if reason == "ORDER_IN_PROGRESS" {
				require.Equal(t, winners[0].GetId(), metadata["order_id"])
				inProgress++
				continue
			}
			// Who comes when the cart has already given up what was ordered finds another cart.
			require.Contains(t, []string{"CART_EMPTY", "QUOTE_CHANGED"}, reason)
		}
		p.AwaitFinal(t, winners[0].GetId())
	}
	t.Logf("%d of %d calls came while the order was in progress", inProgress, rounds*(tabs-1))
	require.NotZero(t, inProgress)
	res, err := p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{PageSize: 100})
	require.NoError(t, err)
	require.Len(t, res.GetOrders(), rounds)
	require.EqualValues(t, 1000-rounds, staff.Stock(t, beer.GetId()))
}

// Customers order and delete their accounts at the same moment: either the order comes through and the account stays, or the
// account goes and nothing was ordered.
func TestDeletingAnAccountRacesWithOrdering(t *testing.T) {
	shop := shoptest.Start(t, shoptest.CheapHashes...)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 1000)
	const customers = 24
	people, requests := make([]*shoptest.Person, customers), make([]*orderv1.PlaceOrderRequest, customers)
	each(t, customers, func(i int) {
		p := shop.Register(t)
		card := &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_CardId{CardId: p.SaveCard(t, "4242424242424242")}}
		people[i], requests[i] = p, p.Checkout(t, p.Put(t, beer.GetId(), 1), p.SaveAddress(t), card)
	})
	errs := atOnce(2*customers, func(i int) (err error) {
		if p := people[i/2]; i%2 == 0 {
			_, err = p.Orders.PlaceOrder(t.Context(), requests[i/2])
		} else {
			_, err = p.Users.DeleteAccount(t.Context(), &userv1.DeleteAccountRequest{Password: p.Account.Password})
		}
		return err
	})
	ordered := map[string]bool{}
	found, err := staff.OrdersAdmin.SearchOrders(t.Context(), &orderv1.SearchOrdersRequest{PageSize: 100})
	require.NoError(t, err)
	for _, order := range found.GetOrders() {
		ordered[order.GetUserId()] = true
	}
	for i, p := range people {
		placing, deleting := errs[2*i], errs[2*i+1]
		require.Equal(t, placing == nil, deleting != nil, "%v, %v", placing, deleting)
		require.Equal(t, placing == nil, ordered[p.ID])
		if deleting != nil {
			requireRefused(t, deleting, connect.CodeFailedPrecondition, "ORDERS_OPEN")
			_, err := p.Users.GetProfile(t.Context(), &userv1.GetProfileRequest{})
			require.NoError(t, err, "an account that stays is as it was")
		}
	}
	t.Logf("%d ordered, %d left", len(ordered), customers-len(ordered))
}
