package consumer

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
)

const (
	atOnce      = 16
	guestsKept  = 30 * 24 * time.Hour
	expireEvery = 10 * time.Minute
	expireBatch = 100
)

// Keeper changes carts because of what happened elsewhere.
type Keeper struct {
	events    *eventstore.Store
	store     *store.Store
	projector *Projector
	orders    orderv1connect.OrderStateServiceClient
	clock     func() time.Time
	log       *slog.Logger
}

// NewKeeper returns a keeper of the carts in events and their projection in store.
func NewKeeper(events *eventstore.Store, store *store.Store, projector *Projector, orders orderv1connect.OrderStateServiceClient, clock func() time.Time, log *slog.Logger) *Keeper {
	return &Keeper{events: events, store: store, projector: projector, orders: orders, clock: clock, log: log}
}

// Workers are the event streams that change carts. Their effects bear repeats: each command of theirs derives from the
// order.
func (k *Keeper) Workers() []messaging.Worker {
	return []messaging.Worker{
		{
			Name: "cart-orders", Stream: "ORDERS", Concurrency: atOnce, Unlimited: true, Handle: k.order,
			Events: []proto.Message{(*eventv1.OrderPlaced)(nil), (*eventv1.OrderCancelled)(nil)},
		},
		{
			Name: "cart-users", Stream: "USERS", Concurrency: 1, Unlimited: true, Handle: k.user,
			Events: []proto.Message{(*eventv1.UserDeleted)(nil)},
		},
	}
}

func (k *Keeper) order(ctx context.Context, ev messaging.Event) error {
	switch m := ev.Message.(type) {
	case *eventv1.OrderPlaced:
		return k.checkOut(ctx, m)
	case *eventv1.OrderCancelled:
		return k.restore(ctx, m)
	}
	return nil
}

// checkOut takes what was ordered off the cart and then lets the cart be ordered from again.
func (k *Keeper) checkOut(ctx context.Context, m *eventv1.OrderPlaced) error {
	if _, err := k.events.Do(ctx, m.GetUserId(), false, domain.CheckOutCommand(m.GetOrderId()), domain.CheckOut(m.GetOrderId(), linesOf(m.GetLines()))); err != nil {
		return err
	}
	// Whoever orders next must not be shown, and sold, the same once more.
	if err := k.projector.Project(ctx, m.GetUserId()); err != nil {
		return err
	}
	_, err := k.orders.CloseCheckouts(ctx, &orderv1.CloseCheckoutsRequest{OrderIds: []string{m.GetOrderId()}})
	return err
}

// restore gives back what was ordered, unless the customer wanted the cancellation.
func (k *Keeper) restore(ctx context.Context, m *eventv1.OrderCancelled) error {
	if m.GetReason() == "CUSTOMER" {
		return nil
	}
	_, err := k.events.Do(ctx, m.GetUserId(), false, domain.RestoreCommand(m.GetOrderId()), domain.Restore(m.GetOrderId(), linesOf(m.GetLines())))
	return err
}

func linesOf(lines []*eventv1.OrderLine) []*eventv1.CartLine {
	out := make([]*eventv1.CartLine, len(lines))
	for i, line := range lines {
		out[i] = &eventv1.CartLine{BeerId: line.GetBeerId(), Quantity: line.GetQuantity()}
	}
	return out
}

// user forgets the cart of an account that was deleted.
func (k *Keeper) user(ctx context.Context, ev messaging.Event) error {
	return k.forget(ctx, ev.AggregateID())
}

func (k *Keeper) forget(ctx context.Context, cartID string) error {
	if err := k.events.Purge(ctx, cartID); err != nil {
		return err
	}
	return k.store.Delete(ctx, cartID)
}

// Loop forgets the carts of guests that are gone. Two replicas that do so at once forget them twice, which is no different.
func (k *Keeper) Loop() module.Loop {
	return module.Repeat(k.log, "guests", expireEvery, nil, k.expire)
}

// expire forgets guests' carts that were not used for 30 days.
func (k *Keeper) expire(ctx context.Context) (more bool, err error) {
	since := k.clock().Add(-guestsKept)
	ids, err := k.store.OldGuests(ctx, since, expireBatch)
	if err != nil {
		return false, err
	}
	more = len(ids) == expireBatch
	for _, id := range ids {
		used, err := k.usedSince(ctx, id, since)
		if err != nil {
			return false, err
		}
		if used {
			more = false // the projection is behind: look again later
			continue
		}
		if err := k.forget(ctx, id); err != nil {
			return false, err
		}
	}
	return more, nil
}

// usedSince asks the events, which know of a guest who has just come back before the projection does.
func (k *Keeper) usedSince(ctx context.Context, cartID string, since time.Time) (bool, error) {
	cart, err := k.events.Load(ctx, cartID)
	return err == nil && cart.Version > 0 && !cart.UpdatedAt.Before(since), err
}
