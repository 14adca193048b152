// Package consumer takes in what happens to orders and accounts.
package consumer

import (
	"context"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/flow"
)

// Orders holds, takes and gives back the money of orders. Giving back never runs out of tries.
func Orders() messaging.Consumer {
	return messaging.Consumer{
		Name:   "payment-orders",
		Stream: messaging.StreamOrders,
		Routes: []messaging.Route{
			messaging.On(func(ctx context.Context, tx *database.Tx, _ messaging.Event, order *eventv1.OrderPlaced) error {
				return flow.Placed(ctx, tx, order)
			}),
			messaging.On(func(ctx context.Context, tx *database.Tx, _ messaging.Event, order *eventv1.OrderConfirmed) error {
				return flow.Confirmed(ctx, tx, order)
			}),
			messaging.On(func(ctx context.Context, tx *database.Tx, _ messaging.Event, order *eventv1.OrderCancelled) error {
				return flow.Cancelled(ctx, tx, order)
			}, messaging.Unlimited()),
		},
	}
}
