// Package inventory keeps the stock: what can be ordered, what orders hold, what came and went.
package inventory

import (
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/invariant"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/inventory/internal/consumer"
	"github.com/taproom-shop/taproom/services/inventory/internal/service"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

// Config is what can be set of the inventory service: nothing yet.
type Config struct{}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations()}
}

// New puts the service together.
func New(_ Config, kit module.Kit) (*module.Module, error) {
	stock := store.New(kit.DB)
	orders := orderv1connect.NewOrderStateServiceClient(kit.Peers.Client("order"), kit.Peers.URL("order"), kit.Peers.Options()...)
	return &module.Module{
		Name: "inventory",
		Handlers: []module.Handler{
			module.Serve(inventoryv1connect.NewInventoryServiceHandler(service.NewInventory(stock), kit.HandlerOptions...)),
			module.Serve(inventoryv1connect.NewInventoryAdminServiceHandler(service.NewAdmin(kit.DB, stock, kit.Clock), kit.HandlerOptions...)),
		},
		Consumers:  consumer.New(stock, kit.Clock).Consumers(),
		Loops:      []module.Loop{consumer.NewAsker(kit.DB, stock, orders, kit.Clock, kit.Log).Loop()},
		Sources:    []telemetry.Source{invariant.Source(kit.Clock, stock.CheckInvariants)},
		DB:         kit.DB,
		Migrations: Migrations(),
	}, nil
}
