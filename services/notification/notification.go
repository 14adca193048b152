// Package notification tells customers what happens to their orders: live, and kept until they look.
package notification

import (
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/notification/internal/consumer"
	"github.com/taproom-shop/taproom/services/notification/internal/service"
	"github.com/taproom-shop/taproom/services/notification/internal/store"
)

// Config is what can be set of the notification service: nothing yet.
type Config struct{}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations()}
}

// New puts the service together.
func New(_ Config, kit module.Kit) (*module.Module, error) {
	handler := service.New(store.New(kit.DB), kit.NATS, kit.Clock)
	return &module.Module{
		Name:       "notification",
		Handlers:   []module.Handler{module.Serve(notificationv1connect.NewNotificationServiceHandler(handler, kit.HandlerOptions...))},
		Consumers:  consumer.New(kit.NATS).Consumers(),
		DB:         kit.DB,
		Migrations: Migrations(),
	}, nil
}
