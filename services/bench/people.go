package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
)

const (
	walletCents = 100_000         // in each wallet to begin with: enough for some sixty orders
	renewAfter  = 2 * time.Minute // of the five for which an access token is good
	shipping    = "standard"
	country     = "DE"
)

// line is the clients of one connection. Whose call it is comes with the context, see as.
type line struct {
	users         userv1connect.UserServiceClient
	cart          cartv1connect.CartCommandServiceClient
	carts         cartv1connect.CartQueryServiceClient
	orders        orderv1connect.OrderServiceClient
	ordersAdmin   orderv1connect.OrderAdminServiceClient
	payments      paymentv1connect.PaymentServiceClient
	inventory     inventoryv1connect.InventoryAdminServiceClient
	catalog       catalogv1connect.CatalogServiceClient
	notifications notificationv1connect.NotificationServiceClient
}

func newLines(url string) []line {
	lines := make([]line, connections)
	for i, h := range connect32() {
		lines[i] = newLine(h, url, uncompressed, connect.WithInterceptors(tokens{}))
	}
	return lines
}

func newLine(h *http.Client, url string, options ...connect.ClientOption) line {
	return line{
		users:         userv1connect.NewUserServiceClient(h, url, options...),
		cart:          cartv1connect.NewCartCommandServiceClient(h, url, options...),
		carts:         cartv1connect.NewCartQueryServiceClient(h, url, options...),
		orders:        orderv1connect.NewOrderServiceClient(h, url, options...),
		ordersAdmin:   orderv1connect.NewOrderAdminServiceClient(h, url, options...),
		payments:      paymentv1connect.NewPaymentServiceClient(h, url, options...),
		inventory:     inventoryv1connect.NewInventoryAdminServiceClient(h, url, options...),
		catalog:       catalogv1connect.NewCatalogServiceClient(h, url, options...),
		notifications: notificationv1connect.NewNotificationServiceClient(h, url, options...),
	}
}

// customer is somebody who buys the same three beers again and again.
type customer struct {
	session     *userv1.Session
	renewed     time.Time
	addressID   string
	cartVersion int64
}

// market opens accounts and fills carts: what must be there before orders can be measured.
type market struct {
	lines []line
	beers []string // the three that everybody buys

	mu      sync.Mutex
	digests map[int64]string // of the quote by the cart's version: equal carts have equal quotes
}

// newMarket has staff take in enough of three beers.
func newMarket(ctx context.Context, s *shop) (*market, error) {
	m := &market{lines: newLines(s.url), digests: make(map[int64]string)}
	l := m.lines[0]
	login, err := l.users.Login(ctx, &userv1.LoginRequest{Email: s.staff.email, Password: s.staff.password})
	if err != nil {
		return nil, fmt.Errorf("signing in as staff: %w", err)
	}
	beers, err := l.catalog.ListBeers(ctx, page)
	if err != nil {
		return nil, err
	}
	stock := &inventoryv1.AdjustStockRequest{RequestId: newID(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED, Note: "for the benchmark"}
	for _, beer := range beers.GetBeers()[:3] {
		m.beers = append(m.beers, beer.GetId())
		stock.Adjustments = append(stock.Adjustments, &inventoryv1.StockAdjustment{BeerId: beer.GetId(), Delta: 1_000_000})
	}
	_, err = l.inventory.AdjustStock(as(ctx, login.GetSession()), stock)
	return m, err
}

// newcomers opens accounts with money and an address.
func (m *market) newcomers(ctx context.Context, n int) ([]*customer, error) {
	customers := make([]*customer, n)
	for i := range customers {
		customers[i] = &customer{}
	}
	_, err := each(ctx, customers, func(ctx context.Context, caller int, c *customer) error { return c.join(ctx, m.lines[caller]) })
	return customers, err
}

func (c *customer) join(ctx context.Context, l line) error {
	registered, err := l.users.Register(ctx, &userv1.RegisterRequest{
		Email: rand.Text() + "@taproom.example", Password: rand.Text(), DisplayName: "Ada Porter",
	})
	if err != nil {
		return fmt.Errorf("registering: %w", err)
	}
	c.session, c.renewed = registered.GetSession(), time.Now()
	ctx = as(ctx, c.session)
	address, err := l.users.CreateAddress(ctx, &userv1.CreateAddressRequest{Address: &typev1.Address{
		Recipient: "Ada Porter", Street: "Malt Street 1", City: "Kiel", PostalCode: "24103", Country: country,
	}})
	if err != nil {
		return fmt.Errorf("saving an address: %w", err)
	}
	c.addressID = address.GetAddress().GetId()
	card, err := l.payments.SaveCard(ctx, &paymentv1.SaveCardRequest{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
	if err != nil {
		return fmt.Errorf("saving a card: %w", err)
	}
	_, err = l.payments.TopUpWallet(ctx, &paymentv1.TopUpWalletRequest{
		RequestId: newID(), CardId: card.GetCard().GetId(), AmountMinorUnits: walletCents,
	})
	if err != nil {
		return fmt.Errorf("topping the wallet up: %w", err)
	}
	return nil
}

// fillCarts puts the three beers into each cart, so that it can be ordered.
func (m *market) fillCarts(ctx context.Context, customers []*customer) error {
	_, err := each(ctx, customers, func(ctx context.Context, caller int, c *customer) error { return m.fillCart(ctx, m.lines[caller], c) })
	return err
}

func (m *market) fillCart(ctx context.Context, l line, c *customer) error {
	if time.Since(c.renewed) > renewAfter {
		renewed, err := l.users.RefreshSession(ctx, &userv1.RefreshSessionRequest{RefreshToken: c.session.GetRefreshToken()})
		if err != nil {
			return fmt.Errorf("renewing a session: %w", err)
		}
		c.session, c.renewed = renewed.GetSession(), time.Now()
	}
	ctx = as(ctx, c.session)
	if c.cartVersion > 0 { // the last order's beers leave the cart first
		if _, err := l.carts.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: c.cartVersion + 1}); err != nil {
			return fmt.Errorf("waiting for the cart to be emptied: %w", err)
		}
	}
	for _, beer := range m.beers {
		added, err := l.cart.AddItem(ctx, &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1})
		if err != nil {
			return fmt.Errorf("filling a cart: %w", err)
		}
		c.cartVersion = added.GetCart().GetVersion()
	}
	m.mu.Lock()
	_, known := m.digests[c.cartVersion]
	m.mu.Unlock()
	if known {
		_, err := l.carts.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: c.cartVersion})
		return err
	}
	quoted, err := l.orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: shipping, Country: country, MinCartVersion: c.cartVersion})
	if err != nil {
		return fmt.Errorf("asking for a quote: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.digests[c.cartVersion] = quoted.GetQuote().GetDigest()
	return nil
}

// place orders what is in the cart and answers the order's id.
func (m *market) place(ctx context.Context, l line, c *customer) (string, error) {
	m.mu.Lock()
	digest := m.digests[c.cartVersion]
	m.mu.Unlock()
	placed, err := l.orders.PlaceOrder(as(ctx, c.session), &orderv1.PlaceOrderRequest{
		RequestId: newID(), QuoteDigest: digest, AddressId: c.addressID, ShippingMethodId: shipping,
		Payment: &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}},
	})
	if err != nil {
		return "", fmt.Errorf("placing an order: %w", err)
	}
	return placed.GetOrder().GetId(), nil
}

type sessionKey struct{}

// as makes the calls with this context those of somebody.
func as(ctx context.Context, session *userv1.Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, session.GetAccessToken())
}

// tokens puts the context's token on calls.
type tokens struct{}

// WrapUnary implements connect.Interceptor.
func (tokens) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		authorize(ctx, req.Header())
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (tokens) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		authorize(ctx, conn.RequestHeader())
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (tokens) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func authorize(ctx context.Context, header http.Header) {
	if token, ok := ctx.Value(sessionKey{}).(string); ok {
		header.Set("Authorization", "Bearer "+token)
	}
}
