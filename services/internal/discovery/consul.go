package discovery

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	// pingAfter and pingTimeout end connections to machines that went away without a word.
	pingAfter, pingTimeout = 5 * time.Second, 5 * time.Second
	// idleTimeout closes what nobody uses, such as connections to instances that left.
	idleTimeout = time.Minute
)

// ConsulConfig is what a Consul resolver needs.
type ConsulConfig struct {
	// Client asks the Consul agent; its token needs `service:read` and `node:read`.
	Client *consulapi.Client
	// Log takes changes of instances and outages of Consul.
	Log *slog.Logger
	// TLS returns how to reach instances of a service; nil means HTTP/2 without TLS.
	TLS func(service string) *tls.Config
}

// Consul finds services that are registered with Consul. It watches the healthy instances of each service that it was
// asked for and hands each call to the one with the fewest calls pending. While Consul is away it goes on with the
// instances known last.
type Consul struct {
	cfg    ConsulConfig
	ctx    context.Context // the resolver's life
	cancel context.CancelFunc

	mu      sync.Mutex
	pools   map[string]*pool
	watches sync.WaitGroup
}

// NewConsul returns a resolver that watches nothing yet. Close ends it.
func NewConsul(cfg ConsulConfig) *Consul {
	ctx, cancel := context.WithCancel(context.Background())
	return &Consul{cfg: cfg, ctx: ctx, cancel: cancel, pools: make(map[string]*pool)}
}

// URL returns a base URL that names the service.
func (c *Consul) URL(service string) string {
	if c.cfg.TLS != nil {
		return "https://" + service
	}
	return "http://" + service
}

// Transport returns a transport to the instances of the service. A call whose connection could not be made goes to
// another instance; one that may have reached an instance does so only if its context is Repeatable.
func (c *Consul) Transport(service string) http.RoundTripper { return c.pool(service) }

// Close ends the watches and all connections; calls fail from then on.
func (c *Consul) Close() {
	c.mu.Lock() // no watch begins after this
	c.cancel()
	c.mu.Unlock()
	c.watches.Wait()
}

// pool returns the pool of a service, whose watch begins with the first call of it.
func (c *Consul) pool(service string) *pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.pools[service]
	if !ok {
		p = &pool{service: service, closed: c.ctx.Done(), known: make(chan struct{})}
		p.transport = c.newTransport(p)
		c.pools[service] = p
		if c.ctx.Err() == nil {
			c.watches.Go(func() { c.watch(p) })
		}
	}
	return p
}

func (c *Consul) newTransport(p *pool) *http.Transport {
	transport := &http.Transport{
		Protocols:          new(http.Protocols),
		HTTP2:              &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		IdleConnTimeout:    idleTimeout,
		DisableCompression: true, // what is compressed is the business of callers
	}
	if c.cfg.TLS == nil {
		transport.Protocols.SetUnencryptedHTTP2(true)
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			return p.dial(ctx, address, func(ctx context.Context) (net.Conn, error) { return c.dial(ctx, network, address) })
		}
		return transport
	}
	transport.Protocols.SetHTTP2(true)
	config := c.cfg.TLS(p.service).Clone()
	config.NextProtos = []string{"h2"}
	if config.ServerName == "" {
		config.ServerName = p.service
	}
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return p.dial(ctx, address, func(ctx context.Context) (net.Conn, error) {
			plain, err := c.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			conn := tls.Client(plain, config)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = plain.Close()
				return nil, fmt.Errorf("%s is not a good instance of %s: %w", address, p.service, err)
			}
			return conn, nil
		})
	}
	return transport
}

// dial opens a connection that lives no longer than the resolver.
func (c *Consul) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	unlink := context.AfterFunc(c.ctx, func() { _ = conn.Close() }) //nolint:contextcheck // the resolver's life, not the call's
	return &ownedConn{Conn: conn, unlink: unlink}, nil
}

// ownedConn is a connection that is closed with its resolver, unless it is closed before.
type ownedConn struct {
	net.Conn
	unlink func() bool
}

// Close implements net.Conn.
func (c *ownedConn) Close() error {
	c.unlink()
	return c.Conn.Close()
}
