// Package limit keeps single clients from taking the shop for themselves: it bounds the calls that one address, or one
// network of IPv6, makes and the streams that it keeps open.
package limit

import (
	"net/http"
	"net/netip"
	"sync"

	"connectrpc.com/connect"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/taproom-shop/taproom/services/edge/internal/answer"
)

// maxClients bounds the memory: the address seen longest ago is forgotten first.
const maxClients = 50_000

// Limiter counts per client address, as the edge found it out.
type Limiter struct {
	rate     rate.Limit
	burst    int
	streams  int
	isStream func(*http.Request) bool

	mu      sync.Mutex
	clients *lru.Cache[string, *client]
}

type client struct {
	calls *rate.Limiter

	mu      sync.Mutex
	streams int
}

// New returns a limiter of so many calls a second, after a burst, and so many streams at once; 0 means no limit.
func New(perSecond float64, burst, streams int, isStream func(*http.Request) bool) *Limiter {
	clients, err := lru.New[string, *client](maxClients)
	if err != nil {
		panic(err) // only a size below one fails
	}
	l := &Limiter{rate: rate.Limit(perSecond), burst: burst, streams: streams, isStream: isStream, clients: clients}
	if perSecond <= 0 {
		l.rate = rate.Inf
	}
	return l
}

// Wrap lets through what stays within the limits and answers the rest with RESOURCE_EXHAUSTED.
func (l *Limiter) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.rate == rate.Inf && l.streams <= 0 {
			next.ServeHTTP(w, r)
			return
		}
		c := l.client(whose(r.Header.Get("Taproom-Client-Ip")))
		if !c.calls.Allow() {
			w.Header().Set("Retry-After", "1")
			answer.Error(w, r, connect.CodeResourceExhausted, "RATE_LIMITED", "too many calls from this address; slow down")
			return
		}
		if l.streams > 0 && l.isStream(r) {
			if !c.open(l.streams) {
				answer.Error(w, r, connect.CodeResourceExhausted, "TOO_MANY_STREAMS", "too many open streams from this address; close one first")
				return
			}
			defer c.close()
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
		c = &client{calls: rate.NewLimiter(l.rate, l.burst)}
		l.clients.Add(address, c)
	}
	return c
}

func (c *client) open(limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams >= limit {
		return false
	}
	c.streams++
	return true
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams--
}
