package rpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

var forService = []method{{access: policyv1.Access_ACCESS_SERVICE}, {access: policyv1.Access_ACCESS_SERVICE, stream: true}}

func TestPeersNameThemselvesAndPassThePersonOn(t *testing.T) {
	shop := rpctest.New(t, "order", "cart")
	shop.Serve("cart")(newHandler(t, whoami, whoamiStream, shop.Options("cart")...))
	peers := shop.Peers("order")
	person, err := shop.Verifier.Verify(shop.Token(identity.RoleCustomer, "c1"))
	require.NoError(t, err)
	caller, err := shop.Verifier.Verify(mustToken(t, shop, "cart"))
	require.NoError(t, err)

	for _, m := range forService {
		who, err := call(t.Context(), peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
		require.NoError(t, err)
		require.Equal(t, "SERVICE order by order", who)
		who, err = call(identity.With(t.Context(), person), peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
		require.NoError(t, err)
		require.Equal(t, "CUSTOMER c1 by order", who)
		who, err = call(identity.With(t.Context(), caller), peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
		require.NoError(t, err)
		require.Equal(t, "SERVICE order by order", who, "another service's token goes no further")
	}
}

func mustToken(t *testing.T, shop *rpctest.Shop, service string) string {
	token, err := identity.NewServiceIdentity(service, shop.Keys.Services[service], shop.Clock).Token()
	require.NoError(t, err)
	return token
}

func TestPeersErrorsAreFaults(t *testing.T) {
	shop := rpctest.New(t, "order", "cart")
	var answer error
	unary, stream := failing(func(context.Context) error { return answer })
	shop.Serve("cart")(newHandler(t, unary, stream, shop.Options("cart")...))
	peers := shop.Peers("order")
	ask := func(service string, m method) error {
		_, err := call(t.Context(), peers.Client(service), peers.URL(service), m, "", peers.Options()...)
		require.Error(t, err)
		return err
	}
	for _, m := range forService {
		answer = fault.NotFound("CART_NOT_FOUND", "no such cart").With("cart_id", "c1").WithField("cart_id", "unknown")
		err := ask("cart", m)
		var told *fault.Error
		require.ErrorAs(t, err, &told)
		require.Equal(t, fault.KindNotFound, told.Kind)
		require.Equal(t, "CART_NOT_FOUND", told.Reason)
		require.Equal(t, "no such cart", told.Message)
		require.Equal(t, map[string]string{"cart_id": "c1"}, told.Metadata)
		require.Equal(t, []fault.Field{{Path: "cart_id", Message: "unknown"}}, told.Fields)

		answer = errors.New("secret")
		require.Equal(t, fault.KindInternal, fault.KindOf(ask("cart", m)))

		err = ask("nowhere", m)
		require.Equal(t, fault.KindUnavailable, fault.KindOf(err))
		require.Equal(t, rpc.ReasonPeerUnavailable, fault.ReasonOf(err))
	}
}

// TestErrorsOfPeersKeepTheirDomain calls order, which calls cart and returns cart's error as it is.
func TestErrorsOfPeersKeepTheirDomain(t *testing.T) {
	shop := rpctest.New(t, "order", "cart")
	unary, stream := failing(func(context.Context) error { return fault.NotFound("CART_NOT_FOUND", "no such cart") })
	shop.Serve("cart")(newHandler(t, unary, stream, shop.Options("cart")...))
	peers := shop.Peers("order")
	through, throughStream := failing(func(ctx context.Context) error {
		_, err := call(ctx, peers.Client("cart"), peers.URL("cart"), forService[0], "", peers.Options()...)
		return err
	})
	shop.Serve("order")(newHandler(t, through, throughStream, shop.Options("order")...))
	client, url := shop.Client("order")
	_, err := call(t.Context(), client, url, public[0], "")
	require.Equal(t, connect.CodeNotFound, connect.CodeOf(err))
	require.Equal(t, "CART_NOT_FOUND", info(err).GetReason())
	require.Equal(t, "cart.taproom", info(err).GetDomain())
}

// TestOwnTokenRefusedIsNotThePersonsFault has a service with a key that nobody knows.
func TestOwnTokenRefusedIsNotThePersonsFault(t *testing.T) {
	shop := rpctest.New(t, "cart")
	shop.Serve("cart")(newHandler(t, whoami, whoamiStream, shop.Options("cart")...))
	strangers := rpctest.New(t, "order")
	self := identity.NewServiceIdentity("order", strangers.Keys.Services["order"], time.Now)
	peers, err := rpc.NewPeers(shop.Resolver, self, telemetry.Providers{})
	require.NoError(t, err)
	person, err := shop.Verifier.Verify(shop.Token(identity.RoleCustomer, "c1"))
	require.NoError(t, err)
	for _, ctx := range []context.Context{t.Context(), identity.With(t.Context(), person)} {
		for _, m := range forService {
			_, err := call(ctx, peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
			require.Equal(t, fault.KindInternal, fault.KindOf(err), "%v", err)
		}
	}

	// The person's own token, gone bad, is told as it is.
	shop.Revocations.Revoke("c1", "", time.Now())
	peers = shop.Peers("cart")
	for _, m := range forService {
		_, err = call(identity.With(t.Context(), person), peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
		require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
		require.Equal(t, identity.ReasonTokenRevoked, fault.ReasonOf(err))
	}
}

func TestDeadlineAndTraceGoWithTheCall(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	providers, shutdown := telemetry.NewProviders(telemetry.Config{
		Service: "test", SampleRatio: 1, SpanProcessors: []sdktrace.SpanProcessor{recorder},
	})
	t.Cleanup(func() { _ = shutdown(context.WithoutCancel(t.Context())) })
	shop := rpctest.New(t, "order", "cart")
	shop.Telemetry = providers
	type seen struct {
		left  time.Duration
		trace trace.TraceID
	}
	saw := make(chan seen, 1)
	unary, stream := failing(func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		saw <- seen{time.Until(deadline), trace.SpanContextFromContext(ctx).TraceID()}
		return nil
	})
	shop.Serve("cart")(newHandler(t, func(ctx context.Context, req *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
		_, _ = unary(ctx, req)
		return req, nil
	}, stream, shop.Options("cart")...))
	peers := shop.Peers("order")
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	ctx, span := providers.Tracer().Tracer("test").Start(ctx, "click")
	for _, m := range forService {
		_, err := call(ctx, peers.Client("cart"), peers.URL("cart"), m, "", peers.Options()...)
		require.NoError(t, err)
		got := <-saw
		require.Equal(t, span.SpanContext().TraceID(), got.trace)
		require.Greater(t, got.left, 2*time.Second)
		require.LessOrEqual(t, got.left, 4*time.Second)
	}
	span.End()
	require.Eventually(t, func() bool { return len(recorder.Ended()) >= 5 }, 2*time.Second, 5*time.Millisecond,
		"the click, and for each call one span on either side")
}
