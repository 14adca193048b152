package rpc_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/mtls"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// process is what a process of the distributed shop has: an identity, and clients that find others.
type process struct {
	agent    *consultest.Agent
	token    string
	identity *mtls.Identity
	resolver *discovery.Consul
}

func newProcess(t *testing.T, agent *consultest.Agent, service string) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &process{agent: agent, token: agent.ServiceToken(t, service)}
	client := agent.Client(t, p.token)
	var err error
	p.identity, err = mtls.NewAuthority(mtls.Config{Client: client, Token: p.token, Log: log}).Identity(t.Context(), service)
	require.NoError(t, err)
	p.resolver = discovery.NewConsul(discovery.ConsulConfig{Client: client, Log: log, TLS: p.identity.Client})
	t.Cleanup(p.resolver.Close)
	return p
}

// serve makes handler an instance of the process's service.
func (p *process) serve(t *testing.T, service string, handler http.Handler) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{
		Handler: handler, TLSConfig: mtls.Server(p.identity), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(listener, "", "") })
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	deregister, err := discovery.Register(t.Context(), p.agent.Client(t, p.token), slog.New(slog.DiscardHandler), discovery.Registration{
		Service: service, Address: listener.Addr().String(), ReadyURL: "http://" + p.agent.Address + "/v1/status/leader",
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = deregister(context.WithoutCancel(t.Context())) })
}

// TestCertificatesNameServices has a service behind TLS and the edge, both as in the distributed shop.
func TestCertificatesNameServices(t *testing.T) {
	agent := consultest.Shared(t)
	shop := rpctest.New(t, "order")
	shop.Verifier = identity.NewVerifier(identity.PublicKeys{People: shop.Keys.Public().People}, shop.Clock)
	mux := http.NewServeMux()
	mux.Handle(newHandler(t, whoami, whoamiStream, shop.Options("test")...))
	newProcess(t, agent, "test").serve(t, "test", rpc.TrustPeerCertificates(mux))
	order, edge := newProcess(t, agent, "order"), newProcess(t, agent, "edge")
	throughEdge, edgeURL := network(t, edge.resolver.Handler("test")) // the real one routes fewer methods
	plain, plainURL := network(t, rpc.TrustPeerCertificates(mux))

	peers, err := rpc.NewPeers(order.resolver, nil, telemetry.Providers{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := call(t.Context(), peers.Client("test"), peers.URL("test"), method{access: policyv1.Access_ACCESS_PUBLIC}, "")
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)

	customer, serviceToken := shop.Token(identity.RoleCustomer, "c1"), mustToken(t, shop, "order")
	person, err := shop.Verifier.Verify(customer)
	require.NoError(t, err)
	for _, m := range forService {
		who, err := call(t.Context(), peers.Client("test"), peers.URL("test"), m, "", peers.Options()...)
		require.NoError(t, err)
		require.Equal(t, "SERVICE order by order", who)
		who, err = call(identity.With(t.Context(), person), peers.Client("test"), peers.URL("test"), m, "", peers.Options()...)
		require.NoError(t, err)
		require.Equal(t, "CUSTOMER c1 by order", who)
	}

	onBehalf := rpctest.Header(rpc.CustomerHeader, customer)
	ways := map[string]struct {
		client connect.HTTPClient
		url    string
	}{
		"the edge":         {throughEdge, edgeURL},
		"edge certificate": {&http.Client{Transport: edge.resolver.Transport("test")}, edge.resolver.URL("test")},
		"no TLS":           {plain, plainURL},
	}
	for name, way := range ways {
		for protocol, options := range protocols {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				ask := func(access policyv1.Access, stream bool, more ...connect.ClientOption) (string, error) {
					return call(t.Context(), way.client, way.url, method{access: access, stream: stream}, "", append(more, options...)...)
				}
				for _, stream := range []bool{false, true} {
					who, err := ask(policyv1.Access_ACCESS_PUBLIC, stream)
					require.NoError(t, err)
					require.Equal(t, "anonymous", who)
					who, err = ask(policyv1.Access_ACCESS_CUSTOMER, stream, rpctest.Bearer(customer))
					require.NoError(t, err)
					require.Equal(t, "CUSTOMER c1", who)

					for reason, more := range map[string][]connect.ClientOption{
						rpc.ReasonTokenMissing:        nil,
						rpc.ReasonServiceRequired:     {rpctest.Bearer(customer)},
						identity.ReasonTokenInvalid:   {rpctest.Bearer(serviceToken)},
						rpc.ReasonServiceTokenInvalid: {onBehalf},
					} {
						_, err := ask(policyv1.Access_ACCESS_SERVICE, stream, more...)
						require.Error(t, err)
						require.Equal(t, reason, info(err).GetReason(), "%v", err)
					}
					_, err = ask(policyv1.Access_ACCESS_CUSTOMER, stream, rpctest.Bearer(customer), onBehalf)
					require.Equal(t, rpc.ReasonServiceTokenInvalid, info(err).GetReason(), "%v", err)
				}
			})
		}
	}

	service := &http.Client{Transport: order.resolver.Transport("test")}
	for _, token := range []string{customer, serviceToken} {
		_, err = call(t.Context(), service, order.resolver.URL("test"), forService[0], "", rpctest.Bearer(token))
		require.Equal(t, rpc.ReasonServiceTokenInvalid, info(err).GetReason())
	}

	stranger := &http.Client{Transport: discoveryWithout(t, agent).Transport("test")}
	_, err = call(t.Context(), stranger, "https://test", method{access: policyv1.Access_ACCESS_PUBLIC}, "")
	require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
}

// discoveryWithout finds services but has no certificate.
func discoveryWithout(t *testing.T, agent *consultest.Agent) *discovery.Consul {
	resolver := discovery.NewConsul(discovery.ConsulConfig{
		Client: agent.Service(t, "stranger"), Log: slog.New(slog.DiscardHandler),
		TLS: func(string) *tls.Config {
			return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
		},
	})
	t.Cleanup(resolver.Close)
	return resolver
}
