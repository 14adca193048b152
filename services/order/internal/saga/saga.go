// Package saga carries orders through their life: it feeds what inventory, payment and shipping say into the order's
// state machine, and ends orders that stay pending for too long.
package saga

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/order/internal/announce"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// Coordinator is the saga of all orders.
type Coordinator struct {
	db    *database.DB
	store *store.Store
	clock func() time.Time
	log   *slog.Logger
}

// New returns a coordinator over the order service's database.
func New(db *database.DB, store *store.Store, clock func() time.Time, log *slog.Logger) *Coordinator {
	return &Coordinator{db: db, store: store, clock: clock, log: log}
}

// Consumers are the event streams that move orders.
func (c *Coordinator) Consumers() []messaging.Consumer {
	return []messaging.Consumer{
		{Name: "order-inventory", Stream: "INVENTORY", Batch: c.advance, Routes: []messaging.Route{
			messaging.Take[*eventv1.InventoryReserved](),
			messaging.Take[*eventv1.InventoryRejected](),
		}},
		{Name: "order-payments", Stream: "PAYMENTS", Batch: c.advance, Routes: []messaging.Route{
			messaging.Take[*eventv1.PaymentAuthorized](),
			messaging.Take[*eventv1.PaymentDeclined](),
			messaging.Take[*eventv1.PaymentCaptured](),
			messaging.Take[*eventv1.PaymentVoided](),
			messaging.Take[*eventv1.PaymentRefunded](),
		}},
		{Name: "order-shipments", Stream: "SHIPMENTS", Batch: c.advance, Routes: []messaging.Route{
			messaging.Take[*eventv1.ShipmentAssemblyStarted](),
			messaging.Take[*eventv1.ShipmentAssembled](),
			messaging.Take[*eventv1.ShipmentHandedOver](),
			messaging.Take[*eventv1.ShipmentDelivered](),
			messaging.Take[*eventv1.ShipmentStopped](),
			messaging.Take[*eventv1.ShipmentStopRefused](),
			messaging.Take[*eventv1.ShipmentReturned](),
		}},
	}
}

// advance carries a batch of news out in one transaction.
func (c *Coordinator) advance(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
	steps := make([]store.Step, len(events))
	for i, ev := range events {
		steps[i] = store.Step{OrderID: ev.AggregateID(), Input: inputOf(ev.Message), EventID: ev.ID, At: c.clock()}
	}
	return c.store.Advance(ctx, tx, announce.Event, steps...)
}

// inputOf says what an event means to the state machine.
func inputOf(msg proto.Message) domain.Input {
	switch m := msg.(type) {
	case *eventv1.InventoryReserved:
		return domain.Input{Kind: domain.StockWasReserved}
	case *eventv1.InventoryRejected:
		return domain.Input{Kind: domain.StockWasRejected}
	case *eventv1.PaymentAuthorized:
		return domain.Input{Kind: domain.MoneyWasAuthorized}
	case *eventv1.PaymentDeclined:
		return domain.Input{Kind: domain.MoneyWasDeclined}
	case *eventv1.PaymentCaptured:
		return domain.Input{Kind: domain.MoneyWasCaptured}
	case *eventv1.PaymentVoided:
		return domain.Input{Kind: domain.MoneyWasVoided}
	case *eventv1.PaymentRefunded:
		return domain.Input{Kind: domain.MoneyWasRefunded}
	case *eventv1.ShipmentAssemblyStarted:
		return domain.Input{Kind: domain.AssemblyStarted}
	case *eventv1.ShipmentAssembled:
		return domain.Input{Kind: domain.ShipmentAssembled}
	case *eventv1.ShipmentHandedOver:
		return domain.Input{Kind: domain.ShipmentHandedOver}
	case *eventv1.ShipmentDelivered:
		return domain.Input{Kind: domain.ShipmentDelivered}
	case *eventv1.ShipmentStopped:
		return domain.Input{Kind: domain.ShipmentStopped, Reason: domain.Reason(m.GetReason())}
	case *eventv1.ShipmentStopRefused:
		return domain.Input{Kind: domain.ShipmentStopRefused, Request: m.GetRequest()}
	case *eventv1.ShipmentReturned:
		return domain.Input{Kind: domain.ShipmentReturned, Reason: domain.Reason(m.GetReason())}
	}
	return domain.Input{}
}
