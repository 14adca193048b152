package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// live listens to what a customer is told, over and over, until ctx ends, and hands on each kept notification once.
func live(ctx context.Context, p *shoptest.Person, heard chan<- *notificationv1.Notification) error {
	after := int64(0)
	for ctx.Err() == nil {
		stream, err := p.Notifications.Subscribe(ctx, &notificationv1.SubscribeRequest{
			AfterNumber: &after, Topics: []notificationv1.Topic{notificationv1.Topic_TOPIC_ORDER},
		})
		if err != nil {
			continue
		}
		for stream.Receive() {
			n := stream.Msg().GetNotification()
			if n == nil {
				continue
			}
			if n.GetNumber() != after+1 {
				return fmt.Errorf("number %d after %d", n.GetNumber(), after)
			}
			after = n.GetNumber()
			heard <- n
		}
		_ = stream.Close()
	}
	return nil
}

func TestLiveUpdatesHaveNoGapWhenTheShopIsKilled(t *testing.T) {
	flags := []string{"--shipping-assembly-time=200ms", "--courier-step-time=100ms"}
	shop := own(t, flags...)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 10)
	p := shop.Register(t)
	p.TopUp(t, 5000)

	ctx, hangUp := context.WithCancel(t.Context())
	heard := make(chan *notificationv1.Notification, 1000)
	var group errgroup.Group
	group.Go(func() error { return live(ctx, p, heard) })
	orders := []string{p.Order(t, beer.GetId(), 1, shoptest.Wallet()).GetId()}
	first := <-heard
	require.Equal(t, "order.placed", first.GetType())
	for range 2 {
		shop.Kill(t)
		shop.Restart(t, flags...)
		res, err := p.Orders.GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: orders[0]})
		require.NoError(t, err, "the token is still good")
		t.Logf("the first order is %s", res.GetOrder().GetState())
	}
	orders = append(orders, orderAgain(t, p, beer.GetId(), shoptest.Wallet()))

	told := map[string][]*notificationv1.Notification{first.GetSubjectId(): {first}}
	for ended := 0; ended < len(orders); {
		select {
		case n := <-heard:
			told[n.GetSubjectId()] = append(told[n.GetSubjectId()], n)
			if n.GetState() == "DELIVERED" {
				ended++
			}
		case <-time.After(60 * time.Second):
			require.FailNow(t, "an order's end was not told", "%v", told)
		}
	}
	hangUp()
	require.NoError(t, group.Wait())
	for _, id := range orders {
		var types, states []string
		for i, n := range told[id] {
			types, states = append(types, n.GetType()), append(states, n.GetState())
			if i > 0 {
				require.Greater(t, n.GetVersion(), told[id][i-1].GetVersion(), "news of an order come in its order: %v", told[id])
			}
		}
		require.Equal(t, []string{"order.placed", "order.confirmed", "order.paid", "order.progressed", "order.progressed", "order.progressed", "order.progressed"}, types)
		require.Equal(t, []string{"PENDING", "PENDING", "PAID", "ASSEMBLING", "ASSEMBLED", "DELIVERING", "DELIVERED"}, states)
	}
}

func TestAStopDuringOrdersIsCleanAndTheNextStartGoesOn(t *testing.T) {
	flags := append([]string{"--shipping-assembly-time=300ms", "--courier-step-time=300ms"}, shoptest.CheapHashes...)
	shop := own(t, flags...)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 1000)
	const buyers = 10
	people := make([]*shoptest.Person, buyers)
	addresses := make([]string, buyers)
	each(t, buyers, func(i int) {
		people[i] = shop.Register(t)
		people[i].TopUp(t, 50_000)
		addresses[i] = people[i].SaveAddress(t)
		people[i].Order(t, beer.GetId(), 1, shoptest.Wallet())
	})
	// They go on ordering while the shop closes, and repeat what was not answered.
	placed := make([]string, buyers)
	requests := make(chan struct{}, buyers)
	var group errgroup.Group
	for i, p := range people {
		group.Go(func() error {
			version := int64(0)
			for range 3 {
				res, err := shoptest.Insist(t.Context(), p.CartCommands.AddItem, &cartv1.AddItemRequest{RequestId: shoptest.NewID(), BeerId: beer.GetId(), Quantity: 1})
				if err != nil {
					return err
				}
				version = res.GetCart().GetVersion()
				requests <- struct{}{}
			}
			for {
				quote, err := shoptest.Insist(t.Context(), p.Orders.QuoteOrder, &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE", MinCartVersion: version})
				if err != nil {
					return err
				}
				res, err := shoptest.Insist(t.Context(), p.Orders.PlaceOrder, &orderv1.PlaceOrderRequest{
					RequestId: shoptest.NewID(), QuoteDigest: quote.GetQuote().GetDigest(), AddressId: addresses[i], ShippingMethodId: "standard", Payment: shoptest.Wallet(),
				})
				if reason, _ := shoptest.Reason(err); reason == "ORDER_IN_PROGRESS" || reason == "QUOTE_CHANGED" {
					continue // the first order is still being taken from the cart
				}
				placed[i] = res.GetOrder().GetId()
				return err
			}
		})
	}
	for range buyers {
		<-requests
	}
	asked := time.Now()
	go func() {
		for range requests { // nobody waits for the rest
		}
	}()
	shop.Stop(t)
	took := time.Since(asked)
	t.Logf("stopped after %v", took.Round(time.Millisecond))
	require.Less(t, took, 8*time.Second)
	shop.Restart(t, flags...)
	require.NoError(t, group.Wait())
	close(requests)

	sold := int32(0)
	for i, p := range people {
		require.Equal(t, orderv1.OrderState_ORDER_STATE_DELIVERED, p.AwaitFinal(t, placed[i]).GetState())
		res, err := p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{})
		require.NoError(t, err)
		require.Len(t, res.GetOrders(), 2)
		for _, o := range res.GetOrders() {
			require.Equal(t, orderv1.OrderState_ORDER_STATE_DELIVERED, p.AwaitFinal(t, o.GetId()).GetState())
			sold += o.GetLines()[0].GetQuantity()
		}
	}
	require.EqualValues(t, buyers*4, sold)
	shop.BooksBalance(t)
	reservations, err := staff.InventoryAdmin.ListReservations(t.Context(), &inventoryv1.ListReservationsRequest{
		State: inventoryv1.ReservationState_RESERVATION_STATE_OPEN, PageSize: 100,
	})
	require.NoError(t, err)
	require.Empty(t, reservations.GetReservations())
}
