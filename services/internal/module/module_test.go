package module_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/services/internal/module"
)

func TestMountServesEveryHandler(t *testing.T) {
	webhook := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	payment := &module.Module{Name: "payment", Handlers: []module.Handler{module.Serve("POST /webhooks/card", webhook)}}
	cart := &module.Module{Name: "cart", Handlers: []module.Handler{
		module.Serve(cartv1connect.NewCartQueryServiceHandler(cartv1connect.UnimplementedCartQueryServiceHandler{})),
		module.Serve(cartv1connect.NewCartCommandServiceHandler(cartv1connect.UnimplementedCartCommandServiceHandler{})),
	}}
	mux := http.NewServeMux()
	module.Mount(mux, cart, payment)
	for path, status := range map[string]int{
		"/webhooks/card": http.StatusNoContent,
		cartv1connect.CartQueryServiceGetCartProcedure: http.StatusUnsupportedMediaType,
		"/elsewhere": http.StatusNotFound,
	} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, nil))
		require.Equal(t, status, answer.Code, path)
	}
	require.Equal(t, []string{cartv1connect.CartQueryServiceName, cartv1connect.CartCommandServiceName}, cart.ProtoServices())
	require.Empty(t, payment.ProtoServices())
}
