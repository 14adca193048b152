package service

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// currency is the only one that the shop sells in.
const currency = "EUR"

// peers are the services that a quote is put together from.
type peers struct {
	carts    cartv1connect.CartQueryServiceClient
	prices   catalogv1connect.CatalogPriceServiceClient
	shipping shippingv1connect.ShippingServiceClient
	users    userv1connect.UserServiceClient
	payments paymentv1connect.PaymentServiceClient
}

func newPeers(p *rpc.Peers) peers {
	return peers{
		carts:    cartv1connect.NewCartQueryServiceClient(p.Client("cart"), p.URL("cart"), p.Options()...),
		prices:   catalogv1connect.NewCatalogPriceServiceClient(p.Client("catalog"), p.URL("catalog"), p.Options()...),
		shipping: shippingv1connect.NewShippingServiceClient(p.Client("shipping"), p.URL("shipping"), p.Options()...),
		users:    userv1connect.NewUserServiceClient(p.Client("user"), p.URL("user"), p.Options()...),
		payments: paymentv1connect.NewPaymentServiceClient(p.Client("payment"), p.URL("payment"), p.Options()...),
	}
}

// ingredients are what an order is made of, as other services know it this moment.
type ingredients struct {
	cart    *cartv1.Cart
	prices  map[string]*catalogv1.BeerPrice
	methods []*shippingv1.ShippingMethod
	address domain.Address
}

// gather asks the other services side by side. addressID and cardID are looked up only when they are given.
func (p peers) gather(ctx context.Context, minCartVersion int64, addressID, cardID string) (ingredients, error) {
	var in ingredients
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		in.cart, in.prices, err = p.pricedCart(ctx, minCartVersion)
		return err
	})
	group.Go(func() error {
		res, err := p.shipping.ListShippingMethods(ctx, &shippingv1.ListShippingMethodsRequest{})
		in.methods = res.GetMethods()
		return err
	})
	if addressID != "" {
		group.Go(func() (err error) {
			in.address, err = p.address(ctx, addressID)
			return err
		})
	}
	if cardID != "" {
		group.Go(func() error { return p.checkCard(ctx, cardID) })
	}
	return in, group.Wait()
}

func (p peers) pricedCart(ctx context.Context, minVersion int64) (*cartv1.Cart, map[string]*catalogv1.BeerPrice, error) {
	res, err := p.carts.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: minVersion})
	if err != nil {
		return nil, nil, err
	}
	cart := res.GetCart()
	if len(cart.GetItems()) == 0 {
		return nil, nil, fault.FailedPrecondition("CART_EMPTY", "The cart is empty; add a beer first.")
	}
	ids := make([]string, len(cart.GetItems()))
	for i, item := range cart.GetItems() {
		ids[i] = item.GetBeerId()
	}
	priced, err := p.prices.BatchGetPrices(ctx, &catalogv1.BatchGetPricesRequest{BeerIds: ids})
	if err != nil {
		return nil, nil, err
	}
	prices := make(map[string]*catalogv1.BeerPrice, len(ids))
	for _, price := range priced.GetPrices() {
		prices[price.GetBeerId()] = price
	}
	return cart, prices, nil
}

func (p peers) address(ctx context.Context, id string) (domain.Address, error) {
	res, err := p.users.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	if err != nil {
		return domain.Address{}, err
	}
	for _, saved := range res.GetAddresses() {
		if saved.GetId() == id {
			return addressFromProto(saved.GetAddress()), nil
		}
	}
	return domain.Address{}, fault.NotFound("ADDRESS_NOT_FOUND", "You have no address %s; list your addresses or save one.", id)
}

func (p peers) checkCard(ctx context.Context, id string) error {
	res, err := p.payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	if err != nil {
		return err
	}
	if !res.GetCardsAvailable() {
		return fault.FailedPrecondition("CARDS_UNAVAILABLE", "The shop takes no cards; pay from the wallet.")
	}
	for _, card := range res.GetCards() {
		if card.GetId() == id {
			return nil
		}
	}
	return fault.NotFound("CARD_NOT_FOUND", "You have no card %s; list your cards or save one.", id)
}

// quote prices the ingredients for a country and a shipping method.
func (in ingredients) quote(methodID, country string) (domain.Quote, error) {
	lines := make([]domain.Line, len(in.cart.GetItems()))
	for i, item := range in.cart.GetItems() {
		price, ok := in.prices[item.GetBeerId()]
		switch {
		case !ok:
			return domain.Quote{}, fault.FailedPrecondition("BEER_NOT_FOUND", "Beer %s is not in the catalogue; take it out of the cart.", item.GetBeerId()).
				With("beer_id", item.GetBeerId())
		case price.GetArchived():
			return domain.Quote{}, fault.FailedPrecondition("BEER_ARCHIVED", "%s is not sold any more; take it out of the cart.", price.GetName()).
				With("beer_id", item.GetBeerId())
		}
		lines[i] = domain.Line{
			BeerID: item.GetBeerId(), BeerName: price.GetName(), Quantity: item.GetQuantity(), UnitPrice: price.GetPrice().GetMinorUnits(),
		}
	}
	shipping, err := in.shipping(methodID, country)
	if err != nil {
		return domain.Quote{}, err
	}
	quote, err := domain.NewQuote(lines, shipping, currency, country, in.cart.GetVersion())
	if err != nil {
		return domain.Quote{}, fault.FailedPrecondition("ORDER_TOO_LARGE", "The order's total is too large; order less at once.").WithCause(err)
	}
	return quote, nil
}

func (in ingredients) shipping(methodID, country string) (domain.Shipping, error) {
	for _, m := range in.methods {
		if m.GetId() != methodID {
			continue
		}
		if !slices.Contains(m.GetCountries(), country) {
			return domain.Shipping{}, fault.FailedPrecondition("COUNTRY_NOT_SERVED", "%s does not ship to %s; choose another method or address.", m.GetName(), country)
		}
		return domain.Shipping{MethodID: methodID, Rate: m.GetRate().GetMinorUnits(), FreeFrom: m.GetFreeFrom().GetMinorUnits()}, nil
	}
	return domain.Shipping{}, fault.FailedPrecondition("SHIPPING_METHOD_NOT_FOUND", "There is no shipping method %q; ListShippingMethods names them.", methodID)
}
