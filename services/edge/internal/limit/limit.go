// Package limit keeps single clients from taking the shop for themselves: it bounds the calls that one address, or one
// network of IPv6, makes and the streams that it keeps open.
//
// Each edge counts by itself, and what passes there is counted once more in Redis for all edges together. While Redis is
// away the own count alone decides.
package limit

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"connectrpc.com/connect"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/taproom-shop/taproom/services/edge/internal/answer"
	"github.com/taproom-shop/taproom/services/internal/optional"
)

// maxClients bounds the memory: the address seen longest ago is forgotten first.
const maxClients = 50_000

// Config says how much one client address may do.
type Config struct {
	Rate    float64 // calls a second; 0: no limit
	Burst   int     // calls at once
	Streams int     // streams open at once; 0: no limit
	// IsStream tells calls that stay open.
	IsStream func(*http.Request) bool
	// Redis is where the edges count together; nil: this one counts alone.
	Redis *optional.Redis
}

// Limiter counts per client address, as the edge found it out.
type Limiter struct {
	cfg    Config
	shared *shared

	mu      sync.Mutex
	clients *lru.Cache[string, *client]
}

// client is one address.
type client struct {
	calls *rate.Limiter // by this edge's own count

	mu      sync.Mutex
	granted int       // calls that all edges' count allows and that were not made yet
	refused time.Time // until when it allows none
	streams int       // open at this edge
}

// New returns a limiter.
func New(cfg Config) *Limiter {
	clients, err := lru.New[string, *client](maxClients)
	if err != nil {
		panic(err) // only a size below one fails
	}
	return &Limiter{cfg: cfg, shared: newShared(cfg), clients: clients}
}

// Wrap lets through what stays within the limits and answers the rest with RESOURCE_EXHAUSTED.
func (l *Limiter) Wrap(next http.Handler) http.Handler {
	if l.cfg.Rate <= 0 && l.cfg.Streams <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := whose(r.Header.Get("Taproom-Client-Ip"))
		c := l.client(address)
		if !l.allow(r.Context(), c, address) {
			w.Header().Set("Retry-After", "1")
			answer.Error(w, r, connect.CodeResourceExhausted, "RATE_LIMITED", "too many calls from this address; slow down")
			return
		}
		if l.cfg.Streams > 0 && l.cfg.IsStream(r) {
			end, ok := l.open(r.Context(), c, address)
			if !ok {
				answer.Error(w, r, connect.CodeResourceExhausted, "TOO_MANY_STREAMS", "too many open streams from this address; close one first")
				return
			}
			defer end()
		}
		next.ServeHTTP(w, r)
	})
}

// whose names the client that an address belongs to: of IPv6 its /64 network, since who has one address of such a network
// has them all.
func whose(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}

func (l *Limiter) client(address string) *client {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.clients.Get(address)
	if !ok {
		c = &client{calls: rate.NewLimiter(rate.Limit(l.cfg.Rate), l.cfg.Burst)}
		l.clients.Add(address, c)
	}
	return c
}

// allow reports whether the client may make a call now, by this edge's own count and by that of all. Of the latter calls
// are taken some at a time, so that few wait for Redis; those that come meanwhile wait for the same answer.
func (l *Limiter) allow(ctx context.Context, c *client, address string) bool {
	if l.cfg.Rate <= 0 {
		return true
	}
	if !c.calls.Allow() {
		return false
	}
	if l.cfg.Redis == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.granted == 0 {
		now := time.Now()
		if now.Before(c.refused) {
			return false
		}
		granted, wait, ok := l.shared.take(ctx, address)
		if !ok {
			return true
		}
		if granted == 0 {
			c.refused = now.Add(wait)
			return false
		}
		c.granted = granted
	}
	c.granted--
	return true
}

// open takes a place for a stream, at this edge and among all, until end.
func (l *Limiter) open(ctx context.Context, c *client, address string) (end func(), ok bool) {
	if !c.enter(l.cfg.Streams) {
		return nil, false
	}
	leave, ok := l.shared.enter(ctx, address)
	if !ok {
		c.leave()
		return nil, false
	}
	return func() {
		c.leave()
		leave()
	}, true
}

func (c *client) enter(limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams >= limit {
		return false
	}
	c.streams++
	return true
}

func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams--
}
