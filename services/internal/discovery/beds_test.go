package discovery_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	consulapi "github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// bed is a resolver and a service that it finds once serve was called.
type bed struct {
	resolver discovery.Resolver
	service  string
	// serve makes a handler answer for the service, in place of the one before.
	serve func(handler http.Handler)
	// shutdown ends the resolver; nil when the server in front decides how long calls live.
	shutdown func(t *testing.T)
}

// each runs a test on every way to a service.
func each(t *testing.T, test func(t *testing.T, b *bed)) {
	for name, newBed := range map[string]func(t *testing.T) *bed{
		"in process":              inProcess,
		"Consul":                  func(t *testing.T) *bed { return viaConsul(t, false) },
		"Consul, TLS":             func(t *testing.T) *bed { return viaConsul(t, true) },
		"in process, behind":      func(t *testing.T) *bed { return behind(t, inProcess(t)) },
		"Consul, behind":          func(t *testing.T) *bed { return behind(t, viaConsul(t, false)) },
		"Consul with TLS, behind": func(t *testing.T) *bed { return behind(t, viaConsul(t, true)) },
	} {
		t.Run(name, func(t *testing.T) { test(t, newBed(t)) })
	}
}

var names atomic.Int64

// newName returns a name that no other test uses for its service.
func newName() string { return fmt.Sprintf("test-%d", names.Add(1)) }

// viaConsul is a bed whose service has one instance.
func viaConsul(t *testing.T, withTLS bool) *bed {
	agent := consultest.Shared(t)
	service := newName()
	var first *instance
	cfg := discovery.ConsulConfig{Client: agent.Service(t, "caller"), Log: slog.New(slog.DiscardHandler)}
	if withTLS {
		cfg.TLS = trustTestServers(t)
	}
	resolver := discovery.NewConsul(cfg)
	t.Cleanup(resolver.Close)
	return &bed{
		resolver: resolver, service: service,
		serve: func(handler http.Handler) {
			if first != nil {
				first.handler.Store(&handler)
				return
			}
			first = startInstance(t, handler, withTLS)
			first.register(t, agent.Service(t, service), service)
			awaitInstances(t, resolver, service, first)
		},
		shutdown: func(*testing.T) { resolver.Close() },
	}
}

// behind is a bed whose clients reach the service through a server that hands their requests on, as the edge does.
func behind(t *testing.T, b *bed) *bed {
	handler := b.resolver.(interface {
		Handler(service string) http.Handler
	}).Handler(b.service)
	front := startServer(t, handler, false)
	shutdown := b.shutdown
	if _, inProcess := b.resolver.(*discovery.InProcess); inProcess {
		shutdown = nil
	}
	return &bed{resolver: frontResolver{t, front.URL}, service: b.service, serve: b.serve, shutdown: shutdown}
}

type frontResolver struct {
	t   *testing.T
	url string
}

func (r frontResolver) URL(string) string { return r.url }

func (r frontResolver) Transport(string) http.RoundTripper { return h2c(r.t) }

// h2c is a transport for HTTP/2 without TLS.
func h2c(t *testing.T) *http.Transport {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// startServer serves a handler as services do. It is cut off at the end of the test.
func startServer(t *testing.T, handler http.Handler, withTLS bool) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	if withTLS {
		server.EnableHTTP2 = true
		server.Config.Protocols.SetHTTP2(true)
		server.StartTLS()
	} else {
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	}
	t.Cleanup(func() { _ = server.Config.Close() })
	return server
}

// trustTestServers makes a client trust the certificate of httptest's servers.
func trustTestServers(t *testing.T) func(string) *tls.Config {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return func(string) *tls.Config {
		return &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS13}
	}
}

// instance is a process that runs a service, as far as others can see.
type instance struct {
	*httptest.Server
	handler    atomic.Pointer[http.Handler]
	notReady   atomic.Bool
	calls      atomic.Int64
	deregister func(context.Context) error
}

const whoPath = "/who"

func startInstance(t *testing.T, handler http.Handler, withTLS bool) *instance {
	i := &instance{}
	i.handler.Store(&handler)
	i.Server = startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == whoPath {
			_, _ = w.Write([]byte(i.Listener.Addr().String()))
			return
		}
		i.calls.Add(1)
		(*i.handler.Load()).ServeHTTP(w, r)
	}), withTLS)
	return i
}

// kill ends the instance as a crash would: nobody is told, connections break.
func (i *instance) kill() { _ = i.Config.Close() }

func (i *instance) register(t *testing.T, client *consulapi.Client, service string) {
	ready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if i.notReady.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(ready.Close)
	deregister, err := discovery.Register(context.WithoutCancel(t.Context()), client, slog.New(slog.DiscardHandler), discovery.Registration{
		Service: service, Address: i.Listener.Addr().String(), ReadyURL: ready.URL, Version: "1",
	})
	require.NoError(t, err)
	i.deregister = deregister
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		_ = deregister(ctx)
	})
}

// awaitInstances waits until calls reach exactly these instances.
func awaitInstances(t *testing.T, resolver *discovery.Consul, service string, instances ...*instance) {
	t.Helper()
	var want []string
	for _, i := range instances {
		want = append(want, i.Listener.Addr().String())
	}
	require.Eventually(t, func() bool {
		return sameElements(discovery.Instances(resolver, service), want)
	}, 20*time.Second, 10*time.Millisecond)
}

func sameElements(a, b []string) bool {
	count := make(map[string]int)
	for _, x := range a {
		count[x]++
	}
	for _, x := range b {
		count[x]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// echo answers with what it was sent.
func echo() http.Handler {
	return connect.NewUnaryHandler(unaryPath, func(_ context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		return connect.NewResponse(req.Msg), nil
	})
}
