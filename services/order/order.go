// Package order takes orders and carries them through their life.
package order

import (
	"time"

	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/invariant"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/order/internal/saga"
	"github.com/taproom-shop/taproom/services/order/internal/service"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// Config is what can be set of the order service.
type Config struct {
	PendingTimeout time.Duration `default:"15m" help:"How long an order may stay pending before it is cancelled. Longer than any outage that orders shall survive."`
}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations()}
}

// New puts the service together.
func New(cfg Config, kit module.Kit) (*module.Module, error) {
	orders := store.New(kit.DB)
	coordinator := saga.New(kit.DB, orders, kit.Clock, kit.Log)
	return &module.Module{
		Name: "order",
		Handlers: []module.Handler{
			module.Serve(orderv1connect.NewOrderServiceHandler(service.NewOrders(kit.DB, orders, kit.Peers, kit.Clock, cfg.PendingTimeout), kit.HandlerOptions...)),
			module.Serve(orderv1connect.NewOrderAdminServiceHandler(service.NewAdmin(kit.DB, orders, kit.Clock), kit.HandlerOptions...)),
			module.Serve(orderv1connect.NewOrderStateServiceHandler(service.NewStates(orders, kit.Clock), kit.HandlerOptions...)),
		},
		Consumers:  coordinator.Consumers(),
		Loops:      coordinator.Loops(),
		Sources:    []telemetry.Source{orders.Source(kit.Clock), invariant.Source(kit.Clock, orders.CheckInvariants)},
		DB:         kit.DB,
		Migrations: Migrations(),
	}, nil
}
