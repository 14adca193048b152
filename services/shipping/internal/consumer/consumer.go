// Package consumer lets orders and couriers move shipments.
package consumer

import (
	"context"
	"fmt"
	"time"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// Consumer moves shipments as orders and couriers say.
type Consumer struct {
	store *store.Store
	clock func() time.Time
}

// New returns a consumer over the shipping service's store.
func New(store *store.Store, clock func() time.Time) *Consumer {
	return &Consumer{store: store, clock: clock}
}

// Consumers are the event streams that move shipments.
func (c *Consumer) Consumers() []messaging.Consumer {
	return []messaging.Consumer{
		{Name: "shipping-orders", Stream: messaging.StreamOrders, Batch: c.handle, Routes: []messaging.Route{
			messaging.Take[*eventv1.OrderPaid](),
			messaging.Take[*eventv1.OrderCancelRequested](messaging.Unlimited()),
		}},
		{Name: "shipping-courier", Stream: messaging.StreamCourier, Batch: c.handle, Routes: []messaging.Route{
			messaging.Take[*eventv1.CourierMoved](),
			messaging.Take[*eventv1.CourierDelivered](),
			messaging.Take[*eventv1.CourierReturned](),
		}},
	}
}

// handle moves the shipments of a batch of events in one transaction.
func (c *Consumer) handle(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
	steps := make([]store.Step, len(events))
	for i, ev := range events {
		step, err := stepOf(ev)
		if err != nil {
			return err
		}
		step.At = c.clock()
		steps[i] = step
	}
	_, err := c.store.Advance(ctx, tx, steps...)
	return err
}

// stepOf says what an event means to a shipment.
func stepOf(ev messaging.Event) (store.Step, error) {
	switch m := ev.Message.(type) {
	case *eventv1.OrderPaid:
		return store.Step{
			OrderID: m.GetOrderId(), UserID: m.GetUserId(), MethodID: m.GetShippingMethodId(),
			Input: domain.Input{Kind: domain.OrderPaid},
		}, nil
	case *eventv1.OrderCancelRequested:
		return store.Step{
			OrderID: m.GetOrderId(), UserID: m.GetUserId(),
			Input: domain.Input{Kind: domain.StopRequested, Reason: m.GetReason(), Recall: m.GetRecall(), Request: m.GetVersion()},
		}, nil
	case *eventv1.CourierMoved:
		return store.Step{
			OrderID: m.GetOrderId(),
			Input:   domain.Input{Kind: domain.CourierMoved, Step: m.GetStep(), Progress: m.GetProgressPercent()},
		}, nil
	case *eventv1.CourierDelivered:
		return store.Step{OrderID: m.GetOrderId(), DeliveredAt: m.GetDeliveredAt().AsTime(), Input: domain.Input{Kind: domain.CourierDelivered}}, nil
	case *eventv1.CourierReturned:
		return store.Step{OrderID: m.GetOrderId(), Input: domain.Input{Kind: domain.CourierReturned}}, nil
	}
	return store.Step{}, fmt.Errorf("%s says nothing of shipments", ev.Type)
}
