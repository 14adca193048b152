// Package consumer makes notifications of what happens to orders.
package consumer

import (
	"context"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/notification/internal/store"
)

// WakeSubject is where replicas tell each other that a user has something new.
func WakeSubject(userID string) string { return "taproom.wake.notification." + userID }

// Consumer keeps notifications and wakes the streams that wait for them.
type Consumer struct{ nats *nats.Conn }

// New returns a consumer that wakes streams through conn.
func New(conn *nats.Conn) *Consumer { return &Consumer{nats: conn} }

// Consumers are the event streams that users are told of.
func (c *Consumer) Consumers() []messaging.Consumer {
	return []messaging.Consumer{
		{Name: "notification-orders", Stream: "ORDERS", Batch: c.keep, Routes: []messaging.Route{
			messaging.Take[*eventv1.OrderPlaced](),
			messaging.Take[*eventv1.OrderConfirmed](),
			messaging.Take[*eventv1.OrderPaid](),
			messaging.Take[*eventv1.OrderCancelRequested](),
			messaging.Take[*eventv1.OrderCancelRefused](),
			messaging.Take[*eventv1.OrderCancelled](),
			messaging.Take[*eventv1.OrderProgressed](),
		}},
		{Name: "notification-users", Stream: "USERS", Routes: []messaging.Route{
			messaging.On(func(ctx context.Context, tx *database.Tx, _ messaging.Event, m *eventv1.UserDeleted) error {
				return store.Forget(ctx, tx, m.GetUserId())
			}, messaging.Unlimited()),
		}},
	}
}

func (c *Consumer) keep(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
	news := make([]store.Notification, len(events))
	for i, ev := range events {
		news[i] = notificationOf(ev)
	}
	users, err := store.Keep(ctx, tx, news)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() {
		for _, user := range users {
			// It may get lost: a stream looks again with its heartbeat.
			_ = c.nats.Publish(WakeSubject(user), nil)
		}
	})
	return nil
}

// orderEvent is what all events of orders have.
type orderEvent interface {
	proto.Message
	GetOrderId() string
	GetUserId() string
	GetVersion() int64
}

func notificationOf(ev messaging.Event) store.Notification {
	n := store.Notification{EventID: ev.ID, OrderID: ev.AggregateID(), CreatedAt: ev.Time}
	if order, ok := ev.Message.(orderEvent); ok {
		n.UserID, n.Version = order.GetUserId(), order.GetVersion()
	}
	switch m := ev.Message.(type) {
	case *eventv1.OrderPlaced:
		n.Type, n.State, n.Title = "order.placed", "PENDING", "We have your order."
	case *eventv1.OrderConfirmed:
		n.Type, n.State, n.Title = "order.confirmed", "PENDING", "Your beers are set aside and your money is held."
	case *eventv1.OrderPaid:
		n.Type, n.State, n.Title = "order.paid", "PAID", "Your order is paid."
	case *eventv1.OrderCancelRequested:
		n.Type, n.Title = "order.cancel_requested", "We are trying to stop your order."
	case *eventv1.OrderCancelRefused:
		n.Type, n.Title = "order.cancel_refused", "It was too late to cancel: your order is on its way."
	case *eventv1.OrderCancelled:
		n.Type, n.State, n.Title = "order.cancelled", "CANCELLED", cancelledTitle(m.GetReason())
	case *eventv1.OrderProgressed:
		n.Type, n.State, n.Title = "order.progressed", m.GetState(), progressTitles[m.GetState()]
	}
	return n
}

func cancelledTitle(reason string) string {
	switch reason {
	case "CUSTOMER":
		return "Your order is cancelled, as you asked."
	case "OUT_OF_STOCK":
		return "Your order is cancelled: a beer is sold out. You were not charged."
	case "PAYMENT_DECLINED":
		return "Your order is cancelled: the payment was declined."
	case "TIMEOUT":
		return "Your order is cancelled: it could not be completed in time. You were not charged."
	}
	return "Your order was cancelled by the shop."
}

var progressTitles = map[string]string{
	"ASSEMBLING": "Your order is being packed.",
	"ASSEMBLED":  "Your parcel is packed and waits for a courier.",
	"DELIVERING": "A courier is on the way with your parcel.",
	"DELIVERED":  "Your parcel was delivered. Cheers!",
}
