package main

import (
	"context"
	"fmt"
	"time"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
)

// burst is how many orders are placed between two times that carts are filled.
const burst = 1024

// measureAccepted compares whole PlaceOrder calls with plain transactions, in turns. Carts are filled in between, and
// what was placed is delivered before the next turn begins.
func measureAccepted(ctx context.Context, d time.Duration, m *market, customers []*customer, baseline *plainOrders) (placed, plain rate, err error) {
	for placed.time < d {
		if err := m.fillCarts(ctx, customers); err != nil {
			return placed, plain, err
		}
		var last string // any of the last ones
		done, err := each(ctx, customers, func(ctx context.Context, caller int, c *customer) error {
			id, err := m.place(ctx, m.lines[caller], c)
			if c == customers[len(customers)-1] {
				last = id
			}
			return err
		})
		if err != nil {
			return placed, plain, err
		}
		if err := m.awaitDelivered(ctx, customers[len(customers)-1], last); err != nil {
			return placed, plain, err
		}
		inserted, err := baseline.measure(ctx, done.time)
		if err != nil {
			return placed, plain, err
		}
		placed, plain = placed.plus(done), plain.plus(inserted)
	}
	return placed, plain, nil
}

// awaitDelivered waits until an order is at its customer's.
func (m *market) awaitDelivered(ctx context.Context, c *customer, id string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := m.lines[0].orders.GetOrder(as(ctx, c.session), &orderv1.GetOrderRequest{Id: id})
		if err != nil {
			return err
		}
		state := res.GetOrder().GetState()
		if state == orderv1.OrderState_ORDER_STATE_DELIVERED {
			return nil
		}
		if state == orderv1.OrderState_ORDER_STATE_CANCELLED {
			return fmt.Errorf("order %s was cancelled", id)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
