package shoptest

import (
	"context"
	"crypto/rand"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
)

// Person calls the shop with the generated clients, as somebody.
type Person struct {
	ID      string
	Token   string
	Account Account // to sign in with again: tokens end after five minutes

	Users          userv1connect.UserServiceClient
	UsersAdmin     userv1connect.UserAdminServiceClient
	Catalog        catalogv1connect.CatalogServiceClient
	CatalogAdmin   catalogv1connect.CatalogAdminServiceClient
	Inventory      inventoryv1connect.InventoryServiceClient
	InventoryAdmin inventoryv1connect.InventoryAdminServiceClient
	CartCommands   cartv1connect.CartCommandServiceClient
	CartQueries    cartv1connect.CartQueryServiceClient
	Orders         orderv1connect.OrderServiceClient
	OrdersAdmin    orderv1connect.OrderAdminServiceClient
	Payments       paymentv1connect.PaymentServiceClient
	PaymentsAdmin  paymentv1connect.PaymentAdminServiceClient
	Shipping       shippingv1connect.ShippingServiceClient
	ShippingAdmin  shippingv1connect.ShippingAdminServiceClient
	Notifications  notificationv1connect.NotificationServiceClient
}

// HTTP2 is a client that speaks HTTP/2 without TLS, which gRPC needs.
func HTTP2() *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: &protocols}}
}

// Anybody calls the shop with a token, or none, in the protocol that the options choose (Connect by default).
func (s *Shop) Anybody(token string, options ...connect.ClientOption) *Person {
	h := s.HTTP
	if h == nil {
		h = HTTP2()
	}
	options = append([]connect.ClientOption{connect.WithInterceptors(bearer(token))}, options...)
	return &Person{
		Token:          token,
		Users:          userv1connect.NewUserServiceClient(h, s.URL, options...),
		UsersAdmin:     userv1connect.NewUserAdminServiceClient(h, s.URL, options...),
		Catalog:        catalogv1connect.NewCatalogServiceClient(h, s.URL, options...),
		CatalogAdmin:   catalogv1connect.NewCatalogAdminServiceClient(h, s.URL, options...),
		Inventory:      inventoryv1connect.NewInventoryServiceClient(h, s.URL, options...),
		InventoryAdmin: inventoryv1connect.NewInventoryAdminServiceClient(h, s.URL, options...),
		CartCommands:   cartv1connect.NewCartCommandServiceClient(h, s.URL, options...),
		CartQueries:    cartv1connect.NewCartQueryServiceClient(h, s.URL, options...),
		Orders:         orderv1connect.NewOrderServiceClient(h, s.URL, options...),
		OrdersAdmin:    orderv1connect.NewOrderAdminServiceClient(h, s.URL, options...),
		Payments:       paymentv1connect.NewPaymentServiceClient(h, s.URL, options...),
		PaymentsAdmin:  paymentv1connect.NewPaymentAdminServiceClient(h, s.URL, options...),
		Shipping:       shippingv1connect.NewShippingServiceClient(h, s.URL, options...),
		ShippingAdmin:  shippingv1connect.NewShippingAdminServiceClient(h, s.URL, options...),
		Notifications:  notificationv1connect.NewNotificationServiceClient(h, s.URL, options...),
	}
}

// Login signs a demo account in.
func (s *Shop) Login(t testing.TB, account Account, options ...connect.ClientOption) *Person {
	res, err := s.Anybody("").Users.Login(t.Context(), &userv1.LoginRequest{Email: account.Email, Password: account.Password})
	require.NoError(t, err)
	p := s.Anybody(res.GetSession().GetAccessToken(), options...)
	p.ID, p.Account = res.GetUser().GetId(), account
	return p
}

// Register opens an account for somebody new.
func (s *Shop) Register(t testing.TB, options ...connect.ClientOption) *Person {
	account := Account{Email: rand.Text() + "@taproom.example", Password: rand.Text()}
	res, err := s.Anybody("").Users.Register(t.Context(), &userv1.RegisterRequest{
		Email: account.Email, Password: account.Password, DisplayName: "Somebody New",
	})
	require.NoError(t, err)
	p := s.Anybody(res.GetSession().GetAccessToken(), options...)
	p.ID, p.Account = res.GetUser().GetId(), account
	return p
}

// Guest starts a guest.
func (s *Shop) Guest(t testing.TB, options ...connect.ClientOption) *Person {
	res, err := s.Anybody("").Users.StartGuest(t.Context(), &userv1.StartGuestRequest{})
	require.NoError(t, err)
	p := s.Anybody(res.GetSession().GetAccessToken(), options...)
	p.ID = res.GetSession().GetSubjectId()
	return p
}

// NewID makes an id for a request.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Address is one that every shipping method serves.
func Address() *typev1.Address {
	return &typev1.Address{Recipient: "Ada Porter", Street: "Malt Street 1", City: "Kiel", PostalCode: "24103", Country: "DE"}
}

type bearer string

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		b.set(req.Header())
		return next(ctx, req)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		b.set(conn.RequestHeader())
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (b bearer) set(h http.Header) {
	if b != "" {
		h.Set("Authorization", "Bearer "+string(b))
	}
}
