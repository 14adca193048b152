// Package consumer lets orders and shipments move stock.
package consumer

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

// Consumer moves stock as orders and shipments say.
type Consumer struct {
	store *store.Store
	clock func() time.Time
}

// New returns a consumer over the inventory service's store.
func New(store *store.Store, clock func() time.Time) *Consumer {
	return &Consumer{store: store, clock: clock}
}

// Consumers are the event streams that move stock.
func (c *Consumer) Consumers() []messaging.Consumer {
	return []messaging.Consumer{
		{Name: "inventory-orders", Stream: "ORDERS", Batch: c.handle, Routes: []messaging.Route{
			messaging.Take[*eventv1.OrderPlaced](),
			messaging.Take[*eventv1.OrderCancelled](messaging.Unlimited()),
		}},
		{Name: "inventory-shipments", Stream: "SHIPMENTS", Batch: c.handle, Routes: []messaging.Route{
			messaging.Take[*eventv1.ShipmentHandedOver](messaging.Unlimited()),
			messaging.Take[*eventv1.ShipmentReturned](messaging.Unlimited()),
		}},
	}
}

// handle moves stock for a batch of events in one transaction.
func (c *Consumer) handle(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
	var touched store.Touched
	for _, ev := range events {
		touched.Orders = append(touched.Orders, ev.AggregateID())
		if placed, ok := ev.Message.(*eventv1.OrderPlaced); ok {
			for _, line := range placed.GetLines() {
				touched.Beers = append(touched.Beers, line.GetBeerId())
			}
		}
	}
	return c.store.Change(ctx, tx, c.clock(), touched, store.Note{}, func(desk *domain.Desk) ([]proto.Message, error) {
		var answers []proto.Message
		for _, ev := range events {
			answer, err := apply(desk, ev.Message)
			if err != nil {
				return nil, err
			}
			if answer != nil {
				answers = append(answers, answer)
			}
		}
		return answers, nil
	})
}

// apply does what an event means to the stock and answers what to tell of it.
func apply(desk *domain.Desk, msg proto.Message) (proto.Message, error) {
	switch m := msg.(type) {
	case *eventv1.OrderPlaced:
		return reserve(desk, m), nil
	case *eventv1.OrderCancelled:
		if desk.Release(m.GetOrderId()) {
			return &eventv1.InventoryReleased{OrderId: m.GetOrderId()}, nil
		}
	case *eventv1.ShipmentHandedOver:
		if !desk.Ship(m.GetOrderId()) {
			return nil, fmt.Errorf("order %s left before its reservation is known", m.GetOrderId())
		}
	case *eventv1.ShipmentReturned:
		if !desk.TakeBack(m.GetOrderId()) {
			return nil, fmt.Errorf("order %s came back before it is known to have left", m.GetOrderId())
		}
	}
	return nil, nil
}

func reserve(desk *domain.Desk, placed *eventv1.OrderPlaced) proto.Message {
	lines := make([]domain.Line, len(placed.GetLines()))
	for i, line := range placed.GetLines() {
		lines[i] = domain.Line{BeerID: line.GetBeerId(), Quantity: line.GetQuantity()}
	}
	reservation, short, first := desk.Reserve(placed.GetOrderId(), lines)
	switch {
	case !first:
		return nil
	case reservation.State == domain.Rejected:
		return &eventv1.InventoryRejected{OrderId: placed.GetOrderId(), ShortBeerIds: short}
	}
	reserved := &eventv1.InventoryReserved{OrderId: placed.GetOrderId()}
	for _, line := range reservation.Lines {
		reserved.Lines = append(reserved.Lines, &eventv1.StockLine{BeerId: line.BeerID, Quantity: line.Quantity})
	}
	return reserved
}
