package sim_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fuse cuts work short somewhere in its middle: it burns whenever the work looks at the clock or publishes, which all work
// does around what it writes, and cancels the work's context at its end. What the work had not committed then is rolled
// back, as when the process dies.
type fuse struct {
	mu    sync.Mutex
	armed bool
	left  int
	blown bool
	cut   context.CancelFunc
	calls calls
}

// calls are the contexts of the calls that services answer now.
type calls struct {
	mu    sync.Mutex
	ended sync.Cond
	open  map[context.Context]bool
}

func newFuse() *fuse {
	f := &fuse{calls: calls{open: make(map[context.Context]bool)}}
	f.calls.ended.L = &f.calls.mu
	return f
}

// wait waits until no call is answered.
func (c *calls) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) > 0 {
		c.ended.Wait()
	}
}

func (c *calls) begin(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[ctx] = true
}

func (c *calls) end(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, ctx)
	c.ended.Broadcast()
}

// hear waits until all calls know that their caller is gone.
func (c *calls) hear() {
	c.mu.Lock()
	open := slices.Collect(maps.Keys(c.open))
	c.mu.Unlock()
	for _, call := range open {
		select {
		case <-call.Done():
		case <-time.After(time.Second): // it does not depend on the work
		}
	}
}

// around runs work that is cut short after burning so often, and says whether it was. Zero never cuts.
func (f *fuse) around(ctx context.Context, after int, work func(ctx context.Context)) (blown bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	f.armed, f.left, f.blown, f.cut = after > 0, after, false, cancel
	f.mu.Unlock()
	work(ctx)
	f.calls.wait() // a service that is called finds out by itself that its caller is gone
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.blown
}

// burn says whether the work is cut short by now. The end of a context takes a moment to reach those who were called: it
// is waited for, so that a run can be repeated.
func (f *fuse) burn() (blown bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.armed {
		return false
	}
	if f.left--; f.left == 0 {
		f.blown = true
		f.cut()
		f.calls.hear()
	}
	return f.blown
}

// watch makes the fuse know of calls to a handler.
func (f *fuse) watch(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls.begin(r.Context())
		defer f.calls.end(r.Context())
		handler.ServeHTTP(w, r)
	})
}

// clock is the time of all services.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	fuse *fuse
}

// Now tells the time.
func (c *clock) Now() time.Time {
	c.fuse.burn()
	return c.read()
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stream is JetStream as services without an outbox publish to it. The process may die before a message is stored, or
// after that and before it hears so.
type stream struct {
	jetstream.JetStream
	fuse  *fuse
	after func() // what happens elsewhere between two messages
}

// PublishMsg implements jetstream.JetStream.
func (s *stream) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if s.fuse.burn() {
		return nil, context.Canceled
	}
	ack, err := s.JetStream.PublishMsg(ctx, msg, opts...)
	if s.fuse.burn() {
		return nil, context.Canceled
	}
	if s.after != nil {
		s.after()
	}
	return ack, err
}
