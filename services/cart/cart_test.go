package cart_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/rpc"
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
	removed, err := ann.commands.RemoveItem(t.Context(), &cartv1.RemoveItemRequest{RequestId: req.GetRequestId(), BeerId: req.GetBeerId()})
	require.NoError(t, err, "request ids of other methods don't matter")
	requireItems(t, removed.GetCart())
	res, err = ann.commands.AddItem(t.Context(), req)
	require.NoError(t, err)
	requireItems(t, res.GetCart(), req.GetBeerId(), 3)

	ben := s.start("cart-2").customer()
	other, err := ben.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: req.GetRequestId(), BeerId: req.GetBeerId(), Quantity: 4})
	require.NoError(t, err, "request ids of others don't matter")
	requireItems(t, other.GetCart(), req.GetBeerId(), 4)
}

// A repeat is answered with the cart as the command left it, at whichever replica and whatever came after it.
func TestARepeatIsAnsweredAsAtFirst(t *testing.T) {
	s := sqliteShop(t)
	here := s.start("cart").customer()
	there := s.start("cart-2").as(identity.RoleCustomer, here.id)
	beer := newID()
	type given struct {
		req *cartv1.AddItemRequest
		res *cartv1.AddItemResponse
	}
	var all []given
	add := func() {
		req := &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1}
		res, err := here.commands.AddItem(t.Context(), req)
		require.NoError(t, err)
		all = append(all, given{req, res})
	}
	requireSame := func(newest int) {
		t.Helper()
		for _, first := range all[max(len(all)-newest, 0):] {
			for _, p := range []person{here, there} {
				again, err := p.commands.AddItem(t.Context(), first.req)
				require.NoError(t, err)
				require.True(t, proto.Equal(first.res, again), "%v\n%v", first.res, again)
			}
		}
	}
	for range 5 {
		add()
	}
	requireSame(5)
	reset := &cartv1.ResetCartRequest{RequestId: newID()}
	empty, err := here.commands.ResetCart(t.Context(), reset)
	require.NoError(t, err)
	requireItems(t, empty.GetCart())
	again, err := here.commands.ResetCart(t.Context(), &cartv1.ResetCartRequest{RequestId: newID()})
	require.NoError(t, err)
	require.EqualValues(t, 7, again.GetCart().GetVersion())
	add()
	empty, err = there.commands.ResetCart(t.Context(), reset)
	require.NoError(t, err)
	require.EqualValues(t, 6, empty.GetCart().GetVersion(), "what was put in since stays")
	requireSame(6)
	for range 64 { // a snapshot comes in between
		add()
	}
	requireSame(32)
	late, err := there.commands.AddItem(t.Context(), all[0].req)
	require.NoError(t, err)
	require.EqualValues(t, 72, late.GetCart().GetVersion(), "too late for the first answer, and still one effect")
}

func TestWithoutTheBrokerCartsAreReadAndNotChanged(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	ann, ben := r.customer(), r.customer()
	beer := newID()
	ann.add(t, beer, 1)
	r.projectAll()
	s.broker.Shutdown()
	requireItems(t, ann.get(t, 0), beer, 1)
	var calls errgroup.Group
	for name, call := range map[string]func(ctx context.Context) error{
		"a cart that is known": func(ctx context.Context) error {
			_, err := ann.commands.AddItem(ctx, &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1})
			return err
		},
		"a cart that is not": func(ctx context.Context) error {
			_, err := ben.commands.AddItem(ctx, &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1})
			return err
		},
		"a merge": func(ctx context.Context) error {
			_, err := ann.commands.MergeCart(ctx, &cartv1.MergeCartRequest{GuestToken: s.Token(identity.RoleGuest, newID())})
			return err
		},
		"the history": func(ctx context.Context) error {
			_, err := ann.queries.ListCartEvents(ctx, &cartv1.ListCartEventsRequest{})
			return err
		},
	} {
		calls.Go(func() error {
			err := call(t.Context())
			if fault.ReasonOf(rpc.Fault(err)) != "CART_UNAVAILABLE" || connect.CodeOf(err) != connect.CodeUnavailable {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	require.NoError(t, calls.Wait())
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
	versions := list()
	require.EqualValues(t, 32, versions[0], "a snapshot stands for what came before")
	require.Len(t, versions, 34)
	require.EqualValues(t, 65, versions[33])
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
