package chaos

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
)

// person calls the shop through the edge, as whoever the token names.
type person struct {
	http  *http.Client
	token *token

	users          userv1connect.UserServiceClient
	catalog        catalogv1connect.CatalogServiceClient
	inventory      inventoryv1connect.InventoryServiceClient
	inventoryAdmin inventoryv1connect.InventoryAdminServiceClient
	carts          cartv1connect.CartCommandServiceClient
	orders         orderv1connect.OrderServiceClient
	ordersAdmin    orderv1connect.OrderAdminServiceClient
	payments       paymentv1connect.PaymentServiceClient
	notifications  notificationv1connect.NotificationServiceClient
}

// newPerson has connections of its own, over HTTP/2, which find out when the other end is gone.
func newPerson(url string) *person {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	p := &person{token: new(token), http: &http.Client{Transport: &http.Transport{
		Protocols: &protocols, HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
	}}}
	signed := connect.WithInterceptors(p.token)
	p.users = userv1connect.NewUserServiceClient(p.http, url, signed)
	p.catalog = catalogv1connect.NewCatalogServiceClient(p.http, url, signed)
	p.inventory = inventoryv1connect.NewInventoryServiceClient(p.http, url, signed)
	p.inventoryAdmin = inventoryv1connect.NewInventoryAdminServiceClient(p.http, url, signed)
	p.carts = cartv1connect.NewCartCommandServiceClient(p.http, url, signed)
	p.orders = orderv1connect.NewOrderServiceClient(p.http, url, signed)
	p.ordersAdmin = orderv1connect.NewOrderAdminServiceClient(p.http, url, signed)
	p.payments = paymentv1connect.NewPaymentServiceClient(p.http, url, signed)
	p.notifications = notificationv1connect.NewNotificationServiceClient(p.http, url, signed)
	return p
}

// token is put on every call once there is one.
type token struct{ value atomic.Value }

func (t *token) set(value string) { t.value.Store(value) }

func (t *token) get() string {
	value, _ := t.value.Load().(string)
	return value
}

func (t *token) sign(h http.Header) {
	if value := t.get(); value != "" {
		h.Set("Authorization", "Bearer "+value)
	}
}

// WrapUnary implements connect.Interceptor.
func (t *token) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		t.sign(req.Header())
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (t *token) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		t.sign(conn.RequestHeader())
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (t *token) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
