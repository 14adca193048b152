package mtls_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	consulapi "github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/mtls"
)

const patience = 20 * time.Second

// authority is the agent's, asked with the token of a service.
func authority(t *testing.T, agent *consultest.Agent, service string) *mtls.Authority {
	t.Helper()
	return loggingAuthority(t, agent, service, io.Discard)
}

func loggingAuthority(t *testing.T, agent *consultest.Agent, service string, log io.Writer) *mtls.Authority {
	t.Helper()
	token := agent.ServiceToken(t, service)
	return mtls.NewAuthority(mtls.Config{
		Client: agent.Client(t, token), Token: token, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
}

// identify gets the certificate of a service with the service's own token.
func identify(t *testing.T, agent *consultest.Agent, service string) *mtls.Identity {
	t.Helper()
	identity, err := authority(t, agent, service).Identity(t.Context(), service)
	require.NoError(t, err)
	return identity
}

// serve runs a server whose answer is the caller's name, and returns its address.
func serve(t *testing.T, identities ...*mtls.Identity) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{
		TLSConfig: mtls.Server(identities...),
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			caller, ok := mtls.Caller(r.TLS)
			if !ok {
				caller = "nobody"
			}
			_, _ = io.WriteString(w, r.Proto+" "+caller)
		}),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(listener, "", "") })
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	return listener.Addr().String()
}

// newClient returns a client for one connection.
func newClient(t *testing.T, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func get(client *http.Client, address string) (string, error) {
	answer, err := client.Get("https://" + address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func TestCertificatesNameTheirServices(t *testing.T) {
	agent := consultest.Shared(t)
	order, payment, edge := identify(t, agent, "order"), identify(t, agent, "payment"), identify(t, agent, "edge")
	address := serve(t, payment)
	for name, identity := range map[string]*mtls.Identity{"order": order, "edge": edge, "payment": payment} {
		who, err := get(newClient(t, identity.Client("payment")), address)
		require.NoError(t, err)
		require.Equal(t, "HTTP/2.0 "+name, who)
	}

	_, err := get(newClient(t, order.Client("cart")), address)
	require.Error(t, err, "who asks for another service is not served")
	impostor := order.Client("cart")
	impostor.ServerName = "payment"
	_, err = get(newClient(t, impostor), address)
	require.ErrorContains(t, err, `the service "payment", not "cart"`)

	both := serve(t, payment, order)
	for _, target := range []string{"payment", "order"} {
		who, err := get(newClient(t, edge.Client(target)), both)
		require.NoError(t, err)
		require.Equal(t, "HTTP/2.0 edge", who)
	}
}

func TestStrangersCantConnect(t *testing.T) {
	agent := consultest.Shared(t)
	address := serve(t, identify(t, agent, "payment"))
	without := &tls.Config{InsecureSkipVerify: true, ServerName: "payment", NextProtos: []string{"h2"}}
	_, err := get(newClient(t, without), address)
	require.Error(t, err)
	_, err = get(newClient(t, &tls.Config{ServerName: "payment", MinVersion: tls.VersionTLS13}), address)
	require.Error(t, err)

	// Another shop's authority issues certificates with the same names.
	others := identify(t, consultest.Start(t), "order")
	config := others.Client("payment")
	_, err = get(newClient(t, config), address)
	require.Error(t, err, "the server is not trusted")
	config.VerifyConnection = nil
	_, err = get(newClient(t, config), address)
	require.Error(t, err, "and does not trust")
	_, err = get(newClient(t, identify(t, agent, "order").Client("payment")), serve(t, identify(t, consultest.Start(t), "payment")))
	require.Error(t, err)

	_, ok := mtls.Caller(nil)
	require.False(t, ok)
	_, ok = mtls.Caller(&tls.ConnectionState{})
	require.False(t, ok)
}

func TestATokenIsGoodForItsOwnService(t *testing.T) {
	agent := consultest.Shared(t)
	identify(t, agent, "payment") // what was issued before is nobody else's either
	_, err := authority(t, agent, "order").Identity(t.Context(), "payment")
	require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err), "%v", err)
	nobody := mtls.NewAuthority(mtls.Config{Client: agent.Client(t, ""), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = nobody.Identity(ctx, "payment")
	require.Error(t, err)
	for _, client := range []*consulapi.Client{agent.Client(t, ""), agent.Service(t, "order"), agent.Operator(t)} {
		_, _, err = client.Agent().ConnectCALeaf("payment", nil)
		require.ErrorContains(t, err, "403", "the agents' way is closed")
	}
}

// rotate gives the authority a new root, with a key of another size.
func rotate(t *testing.T, agent *consultest.Agent, bits int) {
	t.Helper()
	_, err := agent.Operator(t).Connect().CASetConfig(&consulapi.CAConfig{
		Provider: "consul",
		Config:   map[string]any{"PrivateKeyType": "ec", "PrivateKeyBits": bits},
	}, nil)
	require.NoError(t, err)
}

// shorten makes new certificates live for a few seconds, which an operator couldn't.
func shorten(t *testing.T, agent *consultest.Agent, life string) {
	t.Helper()
	_, err := agent.Operator(t).Connect().CASetConfig(&consulapi.CAConfig{
		Provider: "consul", Config: map[string]any{"LeafCertTTL": life, "SkipValidate": true},
	}, nil)
	require.NoError(t, err)
}

// serial returns the serial number of the certificate with which a server answers.
func serial(t *testing.T, config *tls.Config, address string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	require.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestARotatedRootLosesNoCall(t *testing.T) {
	agent := consultest.Start(t)
	order, payment := identify(t, agent, "order"), identify(t, agent, "payment")
	address := serve(t, payment)
	resolver := discovery.NewConsul(discovery.ConsulConfig{Client: agent.Service(t, "order"), Log: slog.New(slog.DiscardHandler), TLS: order.Client})
	t.Cleanup(resolver.Close)
	_, err := discovery.Register(t.Context(), agent.Service(t, "payment"), slog.New(slog.DiscardHandler),
		discovery.Registration{Service: "payment", Address: address, ReadyURL: "http://" + agent.Address + "/v1/status/leader"})
	require.NoError(t, err)
	kept := &http.Client{Transport: resolver.Transport("payment"), Timeout: patience}
	require.Eventually(t, func() bool {
		answer, err := kept.Get(resolver.URL("payment"))
		return err == nil && answer.Body.Close() == nil
	}, patience, 10*time.Millisecond)

	ctx, stop := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	var made atomic.Int64
	calls.Go(func() { // connections of all ages
		for ctx.Err() == nil {
			answer, err := kept.Get(resolver.URL("payment"))
			if err != nil || answer.Body.Close() != nil {
				t.Errorf("a call on a kept connection failed: %v", err)
				return
			}
			if who, err := get(newClient(t, order.Client("payment")), address); err != nil || who != "HTTP/2.0 order" {
				t.Errorf("a call on a new connection failed: %v", err)
				return
			}
			made.Add(1)
		}
	})
	for _, bits := range []int{384, 256} {
		before := serial(t, order.Client("payment"), address)
		rotate(t, agent, bits)
		require.Eventually(t, func() bool { return serial(t, order.Client("payment"), address) != before }, patience, 20*time.Millisecond,
			"certificates are issued anew")
	}
	so := made.Load()
	require.Eventually(t, func() bool { return made.Load() > so+5 || t.Failed() }, patience, time.Millisecond)
	stop()
	calls.Wait()
}

func TestCertificatesAreRenewedAndOutliveOutages(t *testing.T) {
	agent := consultest.Start(t)
	payment := identify(t, agent, "payment") // for the usual days
	address := serve(t, payment)
	shorten(t, agent, "69s") // from a minute ago
	var log lockedBuffer
	order, err := loggingAuthority(t, agent, "order", &log).Identity(t.Context(), "order")
	require.NoError(t, err)
	own := serve(t, order)
	call := func() error {
		_, err := get(newClient(t, order.Client("payment")), address)
		return err
	}
	first := serial(t, payment.Client("order"), own)
	require.Eventually(t, func() bool { return serial(t, payment.Client("order"), own) != first }, patience, 50*time.Millisecond, "it is renewed")
	require.NoError(t, call())

	agent.Kill(t)
	require.Eventually(t, func() bool { return bytes.Contains(log.Bytes(), []byte("can't be renewed")) }, patience, 10*time.Millisecond)
	require.NoError(t, call(), "the last one is used as long as it is good")
	require.Eventually(t, func() bool { return call() != nil }, patience, 50*time.Millisecond, "and no longer")
	agent.Restart(t)
	require.Eventually(t, func() bool { return call() == nil }, patience, 50*time.Millisecond)
}

func TestIdentitiesWaitForConsul(t *testing.T) {
	agent := consultest.Start(t)
	authority := authority(t, agent, "order")
	agent.Kill(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := authority.Identity(ctx, "order")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	ready := make(chan error, 1)
	go func() {
		_, err := authority.Identity(t.Context(), "order")
		ready <- err
	}()
	agent.Restart(t)
	select {
	case err := <-ready:
		require.NoError(t, err)
	case <-time.After(patience):
		t.Fatal("it does not come back")
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buffer.Bytes())
}
