// Package cart keeps what customers and guests want to buy. Commands append events to a stream; a projector makes what
// queries read.
package cart

import (
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/cart/internal/consumer"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/cart/internal/service"
	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
)

// Config is what can be set of the cart service: nothing yet.
type Config struct{}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations()}
}

// New puts the service together.
func New(_ Config, kit module.Kit) (*module.Module, error) {
	events := eventstore.New(kit.JetStream, kit.NATS, kit.Clock)
	carts := store.New(kit.DB)
	watchers := service.NewWatchers(kit.NATS)
	prices := catalogv1connect.NewCatalogPriceServiceClient(kit.Peers.Client("catalog"), kit.Peers.URL("catalog"), kit.Peers.Options()...)
	orders := orderv1connect.NewOrderStateServiceClient(kit.Peers.Client("order"), kit.Peers.URL("order"), kit.Peers.Options()...)
	projector := consumer.NewProjector(kit.DB, events, watchers.Changed)
	keeper := consumer.NewKeeper(events, carts, projector, orders, kit.Clock, kit.Log)
	return &module.Module{
		Name: "cart",
		Handlers: []module.Handler{
			module.Serve(cartv1connect.NewCartCommandServiceHandler(service.NewCommands(events, prices, kit.Verifier, kit.Revocations), kit.HandlerOptions...)),
			module.Serve(cartv1connect.NewCartQueryServiceHandler(service.NewQueries(carts, events, watchers), kit.HandlerOptions...)),
		},
		Consumers:  []messaging.Consumer{projector.Consumer()},
		Workers:    keeper.Workers(),
		Loops:      []module.Loop{keeper.Loop(), {Name: "watchers", Run: watchers.Run}},
		Rebuild:    projector.Rebuild,
		DB:         kit.DB,
		Migrations: Migrations(),
	}, nil
}
