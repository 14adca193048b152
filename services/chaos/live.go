package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
)

// silence is how long a client waits for a sign of life, of which one comes each fifteen seconds.
const silence = 40 * time.Second

// live is a customer's live stream, which is opened again whenever it ends and goes on after the last number that was seen.
type live struct {
	mu       sync.Mutex
	last     int64
	ends     map[string]int // how often each order's end was told
	problems []string
}

// follow keeps the stream open until ctx ends.
func (l *live) follow(ctx context.Context, p *person, t *tally) {
	for pause := time.Duration(0); ctx.Err() == nil; {
		began := time.Now()
		l.listen(ctx, p)
		if time.Since(began) > 2*time.Second {
			pause = 0
		}
		pause = min(max(2*pause, 100*time.Millisecond), 2*time.Second)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // no secret
			t.streamResumed()
		}
	}
}

// listen opens the stream and reads it to its end.
func (l *live) listen(ctx context.Context, p *person) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	after := l.seen()
	stream, err := p.notifications.Subscribe(ctx, &notificationv1.SubscribeRequest{AfterNumber: &after})
	if err != nil {
		return
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		watch.Reset(silence)
		if n := stream.Msg().GetNotification(); n.GetNumber() > 0 {
			l.take(n)
		}
	}
}

func (l *live) take(n *notificationv1.Notification) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.GetNumber() != l.last+1 {
		l.problems = append(l.problems, fmt.Sprintf("after notification %d came %d", l.last, n.GetNumber()))
	}
	l.last = n.GetNumber()
	if n.GetState() == "DELIVERED" || n.GetState() == "CANCELLED" {
		l.ends[n.GetSubjectId()]++
	}
}

func (l *live) seen() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// told is how often an order's end was told.
func (l *live) told(order string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends[order]
}

// takeProblems returns what was wrong since the last time.
func (l *live) takeProblems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	problems := l.problems
	l.problems = nil
	return problems
}
