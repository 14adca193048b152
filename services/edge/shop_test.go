package edge_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/server"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// patience is how long a call may take before its test fails.
const patience = 30 * time.Second

const publicMethod, streamMethod = "/taproom.catalog.v1.CatalogService/ListBeers", "/taproom.cart.v1.CartQueryService/WatchCart"

// backends are services that note what reaches them, and answer as a test says.
type backends struct {
	mu     sync.Mutex
	seen   []call
	answer http.HandlerFunc // nil: an empty JSON object
}

// call is a request that reached a service.
type call struct {
	service string
	path    string
	header  http.Header
}

func (b *backends) Handler(service string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, call{service, r.URL.Path, r.Header.Clone()})
		b.mu.Unlock()
		if b.answer != nil {
			b.answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	})
}

// last is the newest request that reached a service.
func (b *backends) last(t *testing.T) call {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.NotEmpty(t, b.seen)
	return b.seen[len(b.seen)-1]
}

func (b *backends) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.seen)
}

// open is the edge as it comes, without limits.
func open() edge.Config { return edge.Config{Reflection: true} }

func newEdge(t *testing.T, cfg edge.Config, b *backends) http.Handler {
	t.Helper()
	m, err := edge.New(cfg, b, nil, telemetry.Providers{}, edge.About{Demo: true, Version: "1.2.3"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Len(t, m.Handlers, 1)
	return m.Handlers[0].Handler
}

// serve runs the edge as the shop does and answers its address.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, slog.New(slog.DiscardHandler), listener, handler) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return "http://" + listener.Addr().String()
}

// h2c is a client that speaks HTTP/2 without TLS, as gRPC needs.
func h2c(t *testing.T) *http.Client {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func requireFault(t *testing.T, err error, code connect.Code, reason string, of ...string) {
	t.Helper()
	require.Error(t, err, "%v", of)
	require.Equal(t, code, connect.CodeOf(err), "%v: %v", of, err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)), "%v: %v", of, err)
}
