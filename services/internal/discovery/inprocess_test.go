package discovery_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// newInProcess returns a resolver that is shut down, and must be at rest, at the end of the test.
func newInProcess(t testing.TB) *discovery.InProcess {
	resolver := discovery.NewInProcess(slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		require.NoError(t, resolver.Shutdown(ctx), "no handler is left running")
	})
	return resolver
}

func inProcess(t *testing.T) *bed {
	resolver := newInProcess(t)
	return &bed{
		resolver: resolver, service: "test",
		serve: func(handler http.Handler) { resolver.Register("test", handler) },
		shutdown: func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			require.NoError(t, resolver.Shutdown(ctx))
		},
	}
}

func BenchmarkUnary(b *testing.B) {
	resolver := newInProcess(b)
	resolver.Register("test", connect.NewUnaryHandler(unaryPath, func(_ context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		return connect.NewResponse(req.Msg), nil
	}))
	client := newClient(&bed{resolver: resolver, service: "test"}, unaryPath)
	for b.Loop() {
		if _, err := client.CallUnary(b.Context(), connect.NewRequest(wrapperspb.String("beer"))); err != nil {
			b.Fatal(err)
		}
	}
}
