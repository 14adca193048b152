package shop

import (
	"fmt"
	"slices"
	"strings"

	"github.com/taproom-shop/taproom/services/cart"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/courier"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/inventory"
	"github.com/taproom-shop/taproom/services/notification"
	"github.com/taproom-shop/taproom/services/order"
	"github.com/taproom-shop/taproom/services/payment"
	"github.com/taproom-shop/taproom/services/shipping"
	"github.com/taproom-shop/taproom/services/user"
)

// EdgeName is the name of the edge among the services of a cluster.
const EdgeName = "edge"

// Settings are the settings of each service.
type Settings struct {
	User         user.Config         `embed:"" prefix:"user-"`
	Catalog      catalog.Config      `embed:"" prefix:"catalog-"`
	Inventory    inventory.Config    `embed:"" prefix:"inventory-"`
	Cart         cart.Config         `embed:"" prefix:"cart-"`
	Order        order.Config        `embed:"" prefix:"order-"`
	Payment      payment.Config      `embed:"" prefix:"payment-"`
	Shipping     shipping.Config     `embed:"" prefix:"shipping-"`
	Courier      courier.Config      `embed:"" prefix:"courier-"`
	Notification notification.Config `embed:"" prefix:"notification-"`
}

// service is an entry of the list of services: all that the shop knows of it.
type service struct {
	name       string
	migrations func() []database.Migrations // nil: it has no database
	build      func(Settings, module.Kit, secrets) (*module.Module, error)
}

// services are the shop. A new service is a new entry.
func services() []service {
	return []service{
		{"user", user.Migrations, func(s Settings, kit module.Kit, kept secrets) (*module.Module, error) {
			deps, err := kept.accounts(kit)
			if err != nil {
				return nil, err
			}
			return user.New(s.User, deps)
		}},
		{"catalog", catalog.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return catalog.New(s.Catalog, kit)
		}},
		{"inventory", inventory.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return inventory.New(s.Inventory, kit)
		}},
		{"cart", cart.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return cart.New(s.Cart, kit)
		}},
		{"order", order.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return order.New(s.Order, kit)
		}},
		{"payment", payment.Migrations, func(s Settings, kit module.Kit, kept secrets) (*module.Module, error) {
			return payment.New(s.Payment, payment.Deps{Kit: kit, Secrets: string(kept)})
		}},
		{"shipping", shipping.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return shipping.New(s.Shipping, kit)
		}},
		{"courier", nil, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return courier.New(s.Courier, kit)
		}},
		{"notification", notification.Migrations, func(s Settings, kit module.Kit, _ secrets) (*module.Module, error) {
			return notification.New(s.Notification, kit)
		}},
	}
}

// Names are the names of the services, without the edge.
func Names() []string {
	list := services()
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	return names
}

// named returns the entries of the services named. The edge has none.
func named(names []string) ([]service, error) {
	known := append(Names(), EdgeName)
	var list []service
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no service %q: there are %s", name, strings.Join(known, ", "))
		}
		for _, s := range services() {
			if s.name == name {
				list = append(list, s)
			}
		}
	}
	return list, nil
}
