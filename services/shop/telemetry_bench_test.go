//go:build unix

package shop_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/shop"
)

// BenchmarkTelemetry measures what telemetry costs a call of GetBeer, through the edge and the whole chain, as ratios to a
// shop without: of processor time, with all that goes on in the background, so that a busy machine changes little. Calls take
// turns.
func BenchmarkTelemetry(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	db := databasetest.SQLite(b, catalog.Migrations()...)
	_, err := catalog.Seed(b.Context(), db)
	require.NoError(b, err)
	clients := []struct {
		name  string
		beers catalogv1connect.CatalogServiceClient
		spent time.Duration
	}{
		{name: "off", beers: beers(b, db, telemetry.Options{}, false)},
		{name: "metrics", beers: beers(b, db, telemetry.Options{}, true)},
	}
	for name, ratio := range map[string]float64{"metrics+1%traces": 0.01, "metrics+10%traces": 0.1, "metrics+traces": 1} {
		clients = append(clients, clients[0])
		clients[len(clients)-1].name, clients[len(clients)-1].beers = name, beers(b, db, telemetry.Options{TraceRatio: ratio, OTLPEndpoint: collector.URL}, true)
	}
	const turn = 500
	round := func() {
		for i := range clients {
			began := processorTime(b)
			for range turn {
				ctx, call := connect.NewClientContext(b.Context())
				call.RequestHeader().Set("Traceparent", "00-"+random(16)+"-"+random(8)+"-00")
				_, err := clients[i].beers.GetBeer(ctx, &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Slug{Slug: "agua-de-mayo"}})
				require.NoError(b, err)
			}
			clients[i].spent += processorTime(b) - began
		}
	}
	for range 10 {
		round() // fills caches
	}
	for i := range clients {
		clients[i].spent = 0
	}
	for b.Loop() {
		round()
	}
	for _, c := range clients {
		b.ReportMetric(float64(c.spent)/float64(clients[0].spent), c.name+"/off")
	}
	b.ReportMetric(float64(clients[0].spent.Nanoseconds())/float64(b.N*turn), "ns/call-off")
}

// beers is a client of a catalogue behind an edge.
func beers(b *testing.B, db *database.DB, options telemetry.Options, metrics bool) catalogv1connect.CatalogServiceClient {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	told, err := telemetry.Open(b.Context(), log, "taproom", "v1", options, metrics)
	require.NoError(b, err)
	b.Cleanup(func() { told.Close(context.WithoutCancel(b.Context())) })
	parts := rpctest.New(b, catalog.Name)
	parts.Telemetry = told.Of(catalog.Name)
	m, err := catalog.New(catalog.Config{CacheBytes: 8 << 20, CacheTTL: time.Minute, CacheMaxAge: time.Hour}, module.Kit{
		Log: log, Clock: time.Now, DB: db, HandlerOptions: parts.Options(catalog.Name),
	})
	require.NoError(b, err)
	for _, handler := range m.Handlers {
		parts.Serve(catalog.Name)(handler.Pattern, handler.Handler)
	}
	front, err := edge.New(edge.Config{}, parts.Resolver, nil, told.Of(shop.EdgeName), edge.About{}, log)
	require.NoError(b, err)
	parts.Serve(shop.EdgeName)(front.Handlers[0].Pattern, front.Handlers[0].Handler)
	client, url := parts.Client(shop.EdgeName)
	return catalogv1connect.NewCatalogServiceClient(client, url)
}

// processorTime is what this process has spent so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func random(bytes int) string {
	id := make([]byte, bytes)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}
