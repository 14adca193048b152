// Package shipping brings paid orders to their customers, and decides whether a paid order can still be stopped.
package shipping

import (
	"errors"
	"time"

	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/invariant"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/shipping/internal/changes"
	"github.com/taproom-shop/taproom/services/shipping/internal/consumer"
	"github.com/taproom-shop/taproom/services/shipping/internal/service"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
	"github.com/taproom-shop/taproom/services/shipping/internal/warehouse"
)

// Config is what can be set of the shipping service.
type Config struct {
	AssemblyTime time.Duration `default:"3s" help:"How long the demo's warehouse needs for a shipment; 0s: none. Without --demo staff assemble."`
}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations()}
}

// New puts the service together.
func New(cfg Config, kit module.Kit) (*module.Module, error) {
	if cfg.AssemblyTime < 0 {
		return nil, errors.New("assembly-time must not be negative; 0s assembles at once")
	}
	watched := changes.New(kit.NATS, kit.Log)
	shipments := store.New(kit.DB, watched.Tell)
	m := &module.Module{
		Name: "shipping",
		Handlers: []module.Handler{
			module.Serve(shippingv1connect.NewShippingServiceHandler(
				service.NewShipping(shipments, watched, service.Heartbeat, kit.Clock, kit.Log), kit.HandlerOptions...)),
			module.Serve(shippingv1connect.NewShippingAdminServiceHandler(service.NewAdmin(kit.DB, shipments, kit.Clock), kit.HandlerOptions...)),
			module.Serve(shippingv1connect.NewShippingCourierServiceHandler(service.NewCouriers(kit.DB, shipments, kit.Clock), kit.HandlerOptions...)),
		},
		Consumers:  consumer.New(shipments, kit.Clock).Consumers(),
		Sources:    []telemetry.Source{invariant.Source(kit.Clock, shipments.CheckInvariants)},
		DB:         kit.DB,
		Migrations: Migrations(),
	}
	if kit.Demo {
		m.Loops = append(m.Loops, warehouse.New(kit.DB, shipments, cfg.AssemblyTime, kit.Clock, kit.Log).Loop())
	}
	return m, nil
}
