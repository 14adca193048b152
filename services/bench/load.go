package main

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
)

// connections is how many connections, each used by one caller at a time, every row is measured with.
const connections = 32

// connect32 opens the connections: a transport each, since one transport would send all calls through one connection.
func connect32() []*http.Client {
	clients := make([]*http.Client, connections)
	for i := range clients {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		clients[i] = &http.Client{Transport: &http.Transport{Protocols: &protocols, DisableCompression: true}}
	}
	return clients
}

// uncompressed makes a client that does not ask for compressed answers.
var uncompressed = connect.WithAcceptCompression("gzip", nil, nil)

// rate is how much was done in how much time.
type rate struct {
	count int64
	time  time.Duration
}

func (r rate) perSecond() float64 {
	if r.time <= 0 {
		return 0
	}
	return float64(r.count) / r.time.Seconds()
}

func (r rate) plus(other rate) rate { return rate{r.count + other.count, r.time + other.time} }

// closedLoop has each caller call again and again for so long, and counts.
func closedLoop(ctx context.Context, d time.Duration, call func(ctx context.Context, caller int) error) (rate, error) {
	var done atomic.Int64
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for caller := range connections {
		group.Go(func() error {
			for time.Since(began) < d {
				if err := call(ctx, caller); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return rate{done.Load(), time.Since(began)}, err
}

// each has the callers share the work of items, and tells how long all of it took.
func each[T any](ctx context.Context, items []T, do func(ctx context.Context, caller int, item T) error) (rate, error) {
	var next atomic.Int64
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for caller := range connections {
		group.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return nil
				}
				if err := do(ctx, caller, items[i]); err != nil {
					return err
				}
			}
		})
	}
	err := group.Wait()
	return rate{int64(len(items)), time.Since(began)}, err
}

// slice is how long one of two is measured before the other gets its turn.
const slice = time.Second

// alternate measures two in turns, so that what else the machine does meets both.
func alternate(d time.Duration, measured, baseline func(d time.Duration) (rate, error)) (m, b rate, err error) {
	for warm := true; m.time < d || b.time < d; warm = false {
		rm, err := measured(slice)
		if err != nil {
			return m, b, err
		}
		rb, err := baseline(slice)
		if err != nil {
			return m, b, err
		}
		if !warm { // the first turn fills caches and opens connections
			m, b = m.plus(rm), b.plus(rb)
		}
	}
	return m, b, nil
}

// latencies collects how long things took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// quantile is the latency that so much of all, 0 to 1, does not exceed.
func (l *latencies) quantile(q float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
