package discovery

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// dialTimeout bounds how long an instance that doesn't answer can hold up a call that another one could take.
	dialTimeout = 2 * time.Second
	// rest is how long an instance that could not be reached is passed over, as long as there are others. Then one
	// call finds out whether it is back.
	rest = 5 * time.Second
)

// pool holds the instances of one service.
type pool struct {
	service   string
	transport *http.Transport
	closed    <-chan struct{} // the resolver is
	known     chan struct{}   // closed when Consul was asked for the first time
	once      sync.Once       // closes known

	mu        sync.Mutex
	instances []*instance
}

// instance is one process that runs the service. Its fields belong to the pool's mutex.
type instance struct {
	address string // host:port
	pending int    // calls that have not ended
	failing bool   // the last dial failed
	restEnd time.Time
}

// set replaces the instances. Calls that run on those that left go on, but they get no new ones.
func (p *pool) set(addresses []string) (added, left []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.answered()
	var now []*instance
	for _, address := range addresses {
		i := slices.IndexFunc(p.instances, func(i *instance) bool { return i.address == address })
		if i >= 0 {
			now = append(now, p.instances[i])
			continue
		}
		now = append(now, &instance{address: address})
		added = append(added, address)
	}
	for _, old := range p.instances {
		if !slices.Contains(now, old) {
			left = append(left, old.address)
		}
	}
	p.instances = now
	return added, left
}

// answered lets the calls go on that wait for Consul's first answer.
func (p *pool) answered() { p.once.Do(func() { close(p.known) }) }

// size is the number of instances.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.instances)
}

// pick takes the instance with the fewest pending calls that was not tried yet, and counts a call to it. Those that rest
// come last. It returns nil when there is none.
func (p *pool) pick(tried []*instance) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var best *instance
	for n, start := 0, rand.N(len(p.instances)+1); n < len(p.instances); n++ { //nolint:gosec // spreads load, keeps no secret
		i := p.instances[(start+n)%len(p.instances)]
		if !slices.Contains(tried, i) && (best == nil || i.before(best, now)) {
			best = i
		}
	}
	if best != nil {
		best.pending++
		if best.failing {
			best.restEnd = now.Add(rest) // nobody else needs to find out at the same time
		}
	}
	return best
}

// before says whether i is a better choice than other.
func (i *instance) before(other *instance, now time.Time) bool {
	if resting := now.Before(i.restEnd); resting != now.Before(other.restEnd) {
		return !resting
	}
	return i.pending < other.pending
}

// ended takes note that a call to i is over.
func (p *pool) ended(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.pending--
}

// dial opens a connection to an instance and takes note of how that went.
func (p *pool) dial(ctx context.Context, address string, open func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	began := time.Now()
	conn, err := open(ctx)
	if errors.Is(err, context.Canceled) && time.Since(began) < dialTimeout/2 {
		return nil, err // a caller who gave up early says nothing about the instance
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.instances {
		if i.address == address {
			i.failing, i.restEnd = err != nil, time.Time{}
			if err != nil {
				i.restEnd = time.Now().Add(rest)
			}
		}
	}
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

// dialError says that there is no connection, so that nothing of a call was sent.
type dialError struct{ err error }

// Error implements error.
func (e *dialError) Error() string { return e.err.Error() }

// Unwrap returns why there is no connection.
func (e *dialError) Unwrap() error { return e.err }
