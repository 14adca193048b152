package rpc_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// TestReadsOfPeersAreRepeated has two instances, which break every first call off.
func TestReadsOfPeersAreRepeated(t *testing.T) {
	agent := consultest.Shared(t)
	var calls atomic.Int64
	mux := http.NewServeMux()
	mux.Handle(catalogv1connect.NewCatalogServiceHandler(catalogv1connect.UnimplementedCatalogServiceHandler{}))
	mux.Handle(catalogv1connect.NewCatalogAdminServiceHandler(catalogv1connect.UnimplementedCatalogAdminServiceHandler{}))
	instance := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		mux.ServeHTTP(w, r)
	})
	for range 2 {
		_, address := network(t, instance)
		location, err := url.Parse(address)
		require.NoError(t, err)
		deregister, err := discovery.Register(t.Context(), agent.Service(t, "catalog"), slog.New(slog.DiscardHandler), discovery.Registration{
			Service: "catalog", Address: location.Host, ReadyURL: "http://" + agent.Address + "/v1/status/leader",
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = deregister(context.WithoutCancel(t.Context())) })
	}
	require.Eventually(t, func() bool {
		passing, _, err := agent.Operator(t).Health().Service("catalog", "", true, nil)
		return err == nil && len(passing) == 2
	}, 20*time.Second, 10*time.Millisecond)
	resolver := discovery.NewConsul(discovery.ConsulConfig{Client: agent.Service(t, "order"), Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(resolver.Close)
	peers, err := rpc.NewPeers(resolver, nil, telemetry.Providers{})
	require.NoError(t, err)

	_, err = catalogv1connect.NewCatalogServiceClient(peers.Client("catalog"), peers.URL("catalog"), peers.Options()...).
		ListBeers(t.Context(), &catalogv1.ListBeersRequest{})
	require.Error(t, err, "it is not implemented")
	require.EqualValues(t, 2, calls.Load())

	calls.Store(0)
	_, err = catalogv1connect.NewCatalogAdminServiceClient(peers.Client("catalog"), peers.URL("catalog"), peers.Options()...).
		CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{})
	require.Error(t, err)
	require.EqualValues(t, 1, calls.Load())
}
