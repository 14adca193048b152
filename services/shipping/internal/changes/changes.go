// Package changes tells every replica of the shipping service which shipments changed, for those who watch them.
package changes

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// subscribed bounds the wait for the broker to take note of a listener.
const subscribed = time.Second

// Changes travel by core NATS: what is lost is only the haste, since watchers look again now and then anyway.
type Changes struct {
	conn *nats.Conn
	log  *slog.Logger
}

// New returns the changes that go over conn.
func New(conn *nats.Conn, log *slog.Logger) *Changes { return &Changes{conn: conn, log: log} }

func subject(orderID string) string { return messaging.WakeSubject("shipping") + "." + orderID }

// Tell tells that the shipments of these orders changed. What it tells must be committed.
func (c *Changes) Tell(orderIDs []string) {
	for _, id := range orderIDs {
		if err := c.conn.Publish(subject(id), nil); err != nil {
			c.log.Warn("watchers of shipments are told late", slog.Any("error", err))
			return
		}
	}
}

// Listen wakes after changes of the order's shipment until stop is called. Everything committed after it returns, by any
// replica, is heard; many changes may wake once.
func (c *Changes) Listen(ctx context.Context, orderID string) (woken <-chan struct{}, stop func(), err error) {
	wake := make(chan struct{}, 1)
	subscription, err := c.conn.Subscribe(subject(orderID), func(*nats.Msg) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, subscribed)
	defer cancel()
	if err := c.conn.FlushWithContext(ctx); err != nil {
		c.log.WarnContext(ctx, "the broker is away: changes of shipments are seen late", slog.Any("error", err))
	}
	return wake, func() { _ = subscription.Unsubscribe() }, nil
}
