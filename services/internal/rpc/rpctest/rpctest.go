// Package rpctest lets tests call handlers as a shop would: with real tokens, the real interceptors and the transport
// that services in one process use.
package rpctest

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Shop has what services need to trust each other and their callers.
type Shop struct {
	// Clock tells the time; it may be replaced before the first handler is made.
	Clock func() time.Time
	// Log takes what handlers log; it may be replaced before the first handler is made. By default nothing is kept.
	Log *slog.Logger
	// Telemetry takes traces and metrics, none by default; it may be set before the first handler is made.
	Telemetry telemetry.Providers
	// Keys sign tokens.
	Keys *identity.Keys
	// Verifier trusts Keys.
	Verifier *identity.Verifier
	// Revocations are empty and healthy at first.
	Revocations *Revocations
	// Resolver finds the services that Serve was called for.
	Resolver *discovery.InProcess

	t     testing.TB
	muxes map[string]*http.ServeMux // by service
}

// New returns a shop in which the named services exist.
func New(t testing.TB, services ...string) *Shop {
	t.Helper()
	keys, err := identity.LoadOrCreateKeys(t.TempDir(), services...)
	require.NoError(t, err)
	resolver := discovery.NewInProcess(slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := resolver.Shutdown(ctx); err != nil {
			t.Error("handlers still run at the end of the test")
		}
	})
	return &Shop{
		Clock:       time.Now,
		Log:         slog.New(slog.DiscardHandler),
		Keys:        keys,
		Verifier:    identity.NewVerifier(keys.Public(), time.Now),
		Revocations: &Revocations{Revocations: identity.NewRevocations(time.Now)},
		Resolver:    resolver,
		t:           t,
		muxes:       make(map[string]*http.ServeMux),
	}
}

// Options returns the handler options of a service.
func (s *Shop) Options(service string) []connect.HandlerOption {
	s.t.Helper()
	options, err := rpc.Options(rpc.Config{
		Service: service, Log: s.Log, Clock: s.Clock, Verifier: s.Verifier, Revocations: s.Revocations,
		Telemetry: s.Telemetry,
	})
	require.NoError(s.t, err)
	return options
}

// Serve makes handler, which a generated New…Handler returned with its pattern, answer for service:
// shop.Serve("cart")(cartv1connect.NewCartQueryServiceHandler(svc, shop.Options("cart")...)). It may be called once for each
// proto service.
func (s *Shop) Serve(service string) func(pattern string, handler http.Handler) {
	mux, ok := s.muxes[service]
	if !ok {
		mux = http.NewServeMux()
		s.muxes[service] = mux
		s.Resolver.Register(service, mux)
	}
	return mux.Handle
}

// Client and URL are what a generated New…Client needs to call service: give the client shop.As(…) besides.
func (s *Shop) Client(service string) (connect.HTTPClient, string) {
	return &http.Client{Transport: s.Resolver.Transport(service)}, s.Resolver.URL(service)
}

// Peers returns the clients of the service self to the others.
func (s *Shop) Peers(self string) *rpc.Peers {
	s.t.Helper()
	peers, err := rpc.NewPeers(s.Resolver, identity.NewServiceIdentity(self, s.Keys.Services[self], s.Clock), s.Telemetry)
	require.NoError(s.t, err)
	return peers
}

// Token returns an access token for a person, in the session "session-<id>".
func (s *Shop) Token(role identity.Role, id string) string {
	s.t.Helper()
	token, err := identity.NewSigner(s.Keys.People, identity.PeopleIssuer, s.Clock).
		Issue(identity.Principal{ID: id, Role: role, SessionID: "session-" + id}, identity.AccessTokenLife)
	require.NoError(s.t, err)
	return token
}

// As makes a client call as a person.
func (s *Shop) As(role identity.Role, id string) connect.ClientOption {
	return Bearer(s.Token(role, id))
}

// Bearer makes a client send token.
func Bearer(token string) connect.ClientOption {
	return Header("Authorization", "Bearer "+token)
}

// Header makes a client send a header with every call.
func Header(name, value string) connect.ClientOption {
	return connect.WithInterceptors(headerInterceptor{name, value})
}

type headerInterceptor struct{ name, value string }

// WrapUnary implements connect.Interceptor.
func (h headerInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		req.Header().Set(h.name, h.value)
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (h headerInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set(h.name, h.value)
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (h headerInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// Revocations are revocations whose health a test decides.
type Revocations struct {
	*identity.Revocations
	deaf atomic.Bool
}

// Healthy reports whether SetDeaf(true) was not called last.
func (r *Revocations) Healthy() bool { return !r.deaf.Load() }

// SetDeaf cuts the revocations off from the stream, or mends that.
func (r *Revocations) SetDeaf(deaf bool) { r.deaf.Store(deaf) }
