package consumer

import (
	"context"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// Users forgets the cards of accounts that were deleted. Their ledger entries, which name nobody, stay.
func Users() messaging.Consumer {
	return messaging.Consumer{
		Name:   "payment-users",
		Stream: messaging.StreamUsers,
		Routes: []messaging.Route{
			messaging.On(func(ctx context.Context, tx *database.Tx, _ messaging.Event, user *eventv1.UserDeleted) error {
				return store.DeleteCardsOf(ctx, tx, user.GetUserId())
			}, messaging.Unlimited()),
		},
	}
}
