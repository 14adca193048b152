package cart_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func TestACommandIsCarriedOutOnce(t *testing.T) {
	s := sqliteShop(t)
	ann := s.start("cart").customer()
	req := &cartv1.AddItemRequest{RequestId: newID(), BeerId: newID(), Quantity: 3}
	var tries errgroup.Group
	for range 8 {
		tries.Go(func() error {
			_, err := ann.commands.AddItem(t.Context(), req)
			return err
		})
	}
	require.NoError(t, tries.Wait())
	res, err := ann.commands.AddItem(t.Context(), req)
	require.NoError(t, err)
	requireItems(t, res.GetCart(), req.GetBeerId(), 3)
	require.EqualValues(t, 1, res.GetCart().GetVersion())

	s.beers.archived.Store(req.GetBeerId(), true)
	res, err = ann.commands.AddItem(t.Context(), req)
	require.NoError(t, err, "the answer does not depend on what became of the beer since")
	requireItems(t, res.GetCart(), req.GetBeerId(), 3)
	s.beers.archived.Clear()

	_, err = ann.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: req.GetRequestId(), BeerId: req.GetBeerId(), Quantity: 4})
	requireFault(t, err, connect.CodeAlreadyExists, "REQUEST_ID_REUSED")
	_, err = ann.commands.RemoveItem(t.Context(), &cartv1.RemoveItemRequest{RequestId: req.GetRequestId(), BeerId: req.GetBeerId()})
	requireFault(t, err, connect.CodeAlreadyExists, "REQUEST_ID_REUSED")

	ben := s.start("cart-2").customer()
	other, err := ben.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: req.GetRequestId(), BeerId: req.GetBeerId(), Quantity: 4})
	require.NoError(t, err, "request ids of others don't matter")
	requireItems(t, other.GetCart(), req.GetBeerId(), 4)
}

func TestCommands(t *testing.T) {
	s := sqliteShop(t)
	ann := s.start("cart").guest()
	pale, stout := newID(), newID()
	ann.add(t, pale, 2)
	ann.add(t, stout, 999)
	_, err := ann.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: newID(), BeerId: stout, Quantity: 1})
	requireFault(t, err, connect.CodeFailedPrecondition, "QUANTITY_TOO_LARGE")

	changed, err := ann.commands.ChangeQuantity(t.Context(), &cartv1.ChangeQuantityRequest{RequestId: newID(), BeerId: stout, Quantity: 7})
	require.NoError(t, err)
	requireItems(t, changed.GetCart(), pale, 2, stout, 7)
	removed, err := ann.commands.RemoveItem(t.Context(), &cartv1.RemoveItemRequest{RequestId: newID(), BeerId: pale})
	require.NoError(t, err)
	requireItems(t, removed.GetCart(), stout, 7)
	_, err = ann.commands.RemoveItem(t.Context(), &cartv1.RemoveItemRequest{RequestId: newID(), BeerId: pale})
	requireFault(t, err, connect.CodeNotFound, "ITEM_NOT_FOUND")
	reset, err := ann.commands.ResetCart(t.Context(), &cartv1.ResetCartRequest{RequestId: newID()})
	require.NoError(t, err)
	requireItems(t, reset.GetCart())
	require.EqualValues(t, 5, reset.GetCart().GetVersion())

	s.beers.missing.Store(pale, true)
	s.beers.archived.Store(stout, true)
	_, err = ann.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: newID(), BeerId: pale, Quantity: 1})
	requireFault(t, err, connect.CodeNotFound, "BEER_NOT_FOUND")
	_, err = ann.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: newID(), BeerId: stout, Quantity: 1})
	requireFault(t, err, connect.CodeFailedPrecondition, "BEER_ARCHIVED")
}

func order(user, beer string, quantity int32) (*eventv1.OrderPlaced, *eventv1.OrderCancelled) {
	id, lines := newID(), []*eventv1.OrderLine{{BeerId: beer, Quantity: quantity}}
	return &eventv1.OrderPlaced{OrderId: id, UserId: user, Lines: lines}, &eventv1.OrderCancelled{OrderId: id, UserId: user, Lines: lines}
}

func TestAnOrderTakesItsLinesOnceAndGivesThemBackOnce(t *testing.T) {
	s := sqliteShop(t)
	ann := s.run("cart").customer()
	beer := newID()
	ann.add(t, beer, 10)

	placed, cancelled := order(ann.id, beer, 4)
	s.publish(placed)
	requireItems(t, ann.get(t, 2), beer, 6)
	s.publish(placed)
	s.settled(messaging.StreamOrders, "cart-orders")
	require.Equal(t, []string{placed.GetOrderId(), placed.GetOrderId()}, s.orders.closedOrders())
	require.Equal(t, "cart", s.orders.caller)

	cancelled.Reason = "OUT_OF_STOCK"
	s.publish(cancelled)
	requireItems(t, ann.get(t, 3), beer, 10)
	s.publish(cancelled)
	s.publish(placed)

	wanted, unwanted := order(ann.id, beer, 1)
	s.publish(wanted)
	unwanted.Reason = "CUSTOMER"
	s.publish(unwanted)
	requireItems(t, ann.get(t, 4), beer, 9)
	s.settled(messaging.StreamOrders, "cart-orders")
	requireItems(t, ann.get(t, 0), beer, 9)
	require.EqualValues(t, 4, ann.add(t, beer, 1).GetVersion()-1, "nothing else was done")
}

func TestTheCheckoutIsClosedOnceOrdersAnswersAgain(t *testing.T) {
	s := sqliteShop(t)
	ann := s.run("cart").customer()
	beer := newID()
	ann.add(t, beer, 10)
	s.orders.down.Store(true)
	placed, _ := order(ann.id, beer, 4)
	s.publish(placed)
	require.Eventually(t, func() bool { return s.orders.asked.Load() >= 2 }, patience, tick)
	s.orders.down.Store(false)
	s.settled(messaging.StreamOrders, "cart-orders")
	require.Equal(t, []string{placed.GetOrderId()}, s.orders.closedOrders())
	requireItems(t, ann.get(t, 2), beer, 6)
}

func TestADeletedAccountLeavesNoCart(t *testing.T) {
	s := sqliteShop(t)
	r := s.run("cart")
	ann, ben := r.customer(), r.customer()
	ann.add(t, newID(), 1)
	ben.add(t, newID(), 1)
	ann.get(t, 1)
	ben.get(t, 1)
	s.publish(&eventv1.UserDeleted{UserId: ann.id, Version: 2})
	require.Eventually(t, func() bool { return ann.get(t, 0).GetVersion() == 0 }, patience, tick)
	events, err := ann.queries.ListCartEvents(t.Context(), &cartv1.ListCartEventsRequest{})
	require.NoError(t, err)
	require.Empty(t, events.GetEvents())
	require.Len(t, ben.get(t, 0).GetItems(), 1)
}

func TestGuestsCartsGoAfterThirtyDays(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	day := func(n int) {
		at := time.Date(2026, 5, 1+n, 12, 0, 0, 0, time.UTC)
		s.now.Store(&at)
	}
	day(0)
	gone, used, back, customer := r.guest(), r.guest(), r.guest(), r.customer()
	for _, p := range []person{gone, used, back, customer} {
		p.add(t, newID(), 1)
	}
	r.projectAll()
	day(20)
	used.add(t, newID(), 1)
	r.projectAll()
	day(29)
	r.step("guests")
	require.Len(t, gone.get(t, 0).GetItems(), 1, "not yet")
	day(31)
	back.add(t, newID(), 1) // which the projection has not seen
	r.step("guests")
	r.projectAll()
	require.Zero(t, gone.get(t, 0).GetVersion())
	events, err := gone.queries.ListCartEvents(t.Context(), &cartv1.ListCartEventsRequest{})
	require.NoError(t, err)
	require.Empty(t, events.GetEvents())
	require.Len(t, used.get(t, 0).GetItems(), 2)
	require.Len(t, back.get(t, 0).GetItems(), 2)
	require.Len(t, customer.get(t, 0).GetItems(), 1)
	require.EqualValues(t, 1, gone.add(t, newID(), 1).GetVersion(), "the guest may begin anew")
}

func TestHistoryIsListedInPages(t *testing.T) {
	s := sqliteShop(t)
	ann := s.start("cart").as(identity.RoleStaff, newID())
	beer := newID()
	for i := range 7 {
		require.EqualValues(t, i+1, ann.add(t, beer, 1).GetVersion())
	}
	list := func() (versions []int64) {
		req := &cartv1.ListCartEventsRequest{PageSize: 3}
		for {
			res, err := ann.queries.ListCartEvents(t.Context(), req)
			require.NoError(t, err)
			require.LessOrEqual(t, len(res.GetEvents()), 3)
			for _, e := range res.GetEvents() {
				require.NotEmpty(t, e.GetItems())
				versions = append(versions, e.GetVersion())
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				return versions
			}
		}
	}
	require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, list())
	for range 58 {
		ann.add(t, beer, 1)
	}
	require.Equal(t, []int64{64, 65}, list(), "a snapshot stands for what came before")
	_, err := ann.queries.ListCartEvents(t.Context(), &cartv1.ListCartEventsRequest{PageToken: "?"})
	requireFault(t, err, connect.CodeInvalidArgument, "PAGE_TOKEN_INVALID")
}

func TestACartIsItsOwners(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	ann, ben := r.guest(), r.guest()
	ann.add(t, newID(), 1)
	r.projectAll()
	require.Empty(t, ben.get(t, 0).GetItems())
	require.Equal(t, ann.id, ann.get(t, 0).GetId())
}
