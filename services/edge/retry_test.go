package edge_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// TestOnlyCallsThatCanBeRepeatedAreSentToAnotherInstance has a service of two instances, which break every first call off.
func TestOnlyCallsThatCanBeRepeatedAreSentToAnotherInstance(t *testing.T) {
	agent := consultest.Shared(t)
	resolver := discovery.NewConsul(discovery.ConsulConfig{Client: agent.Service(t, "edge"), Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(resolver.Close)
	var calls atomic.Int64
	instance := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write([]byte{0, 0, 0, 0, 0})
		w.Header().Set("Grpc-Status", "0")
	})
	for _, service := range []string{"cart", "order", "user"} {
		for range 2 {
			server := httptest.NewUnstartedServer(instance)
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.Start()
			t.Cleanup(server.Close)
			deregister, err := discovery.Register(t.Context(), agent.Service(t, service), slog.New(slog.DiscardHandler),
				discovery.Registration{Service: service, Address: server.Listener.Addr().String(), ReadyURL: server.URL})
			require.NoError(t, err)
			t.Cleanup(func() { _ = deregister(context.WithoutCancel(t.Context())) })
		}
		require.Eventually(t, func() bool {
			passing, _, err := agent.Operator(t).Health().Service(service, "", true, nil)
			return err == nil && len(passing) == 2
		}, patience, 10*time.Millisecond)
	}
	m, err := edge.New(open(), resolver, nil, telemetry.Providers{}, edge.About{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	url, client := serve(t, m.Handlers[0].Handler), h2c(t)
	call := func(path string) error {
		calls.Store(0)
		_, err := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+path, connect.WithGRPC()).
			CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
		return err
	}
	require.NoError(t, call("/taproom.cart.v1.CartQueryService/GetCart"))
	require.EqualValues(t, 2, calls.Load())
	require.NoError(t, call("/taproom.order.v1.OrderService/PlaceOrder"), "its request id makes it one order, however often it is sent")
	require.EqualValues(t, 2, calls.Load())
	requireFault(t, call("/taproom.user.v1.UserService/Register"), connect.CodeUnavailable, discovery.ReasonServiceUnavailable)
	require.EqualValues(t, 1, calls.Load())
	requireFault(t, call("/taproom.catalog.v1.CatalogService/ListBeers"), connect.CodeUnavailable, discovery.ReasonServiceUnavailable)
	require.Zero(t, calls.Load(), "it has no instances")
}
