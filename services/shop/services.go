package shop

import (
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
	build      func(Settings, module.Kit, *parts) (*module.Module, error)
}

// services are the shop. A new service is a new entry.
func services() []service {
	return []service{
		{"user", user.Migrations, func(s Settings, kit module.Kit, p *parts) (*module.Module, error) {
			p.accounts = user.Deps{Kit: kit, Signer: p.peopleSigner(), MasterKey: p.masterKey}
			return user.New(s.User, p.accounts)
		}},
		{"catalog", catalog.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return catalog.New(s.Catalog, kit)
		}},
		{"inventory", inventory.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return inventory.New(s.Inventory, kit)
		}},
		{"cart", cart.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return cart.New(s.Cart, kit)
		}},
		{"order", order.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return order.New(s.Order, kit)
		}},
		{"payment", payment.Migrations, func(s Settings, kit module.Kit, p *parts) (*module.Module, error) {
			return payment.New(s.Payment, payment.Deps{Kit: kit, Secrets: p.secretsDir})
		}},
		{"shipping", shipping.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return shipping.New(s.Shipping, kit)
		}},
		{"courier", nil, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return courier.New(s.Courier, kit)
		}},
		{"notification", notification.Migrations, func(s Settings, kit module.Kit, _ *parts) (*module.Module, error) {
			return notification.New(s.Notification, kit)
		}},
	}
}
