package service

import (
	"context"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// wake is where replicas tell each other that a cart's projection changed, whichever of them made it.
const wake = "taproom.wake.cart."

// Watchers tells those who wait for a cart that its projection changed.
type Watchers struct {
	nats *nats.Conn

	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// NewWatchers returns watchers without anybody waiting. They hear nothing until Run.
func NewWatchers(conn *nats.Conn) *Watchers {
	return &Watchers{nats: conn, waiting: make(map[string]map[chan struct{}]struct{})}
}

// Run hears of changes until ctx ends.
func (w *Watchers) Run(ctx context.Context) error {
	sub, err := w.nats.Subscribe(wake+"*", func(msg *nats.Msg) { w.tell(strings.TrimPrefix(msg.Subject, wake)) })
	if err != nil {
		return err
	}
	<-ctx.Done()
	return sub.Unsubscribe()
}

// Changed tells every replica that the cart's projection changed. It may get lost: watchers look now and then anyway.
func (w *Watchers) Changed(cartID string) {
	_ = w.nats.Publish(wake+cartID, nil)
}

// Watch returns a channel that gets a value after changes of the cart; several changes may be told by one. stop ends it.
func (w *Watchers) Watch(cartID string) (changed <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[cartID] == nil {
		w.waiting[cartID] = make(map[chan struct{}]struct{})
	}
	w.waiting[cartID][ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting[cartID], ch)
		if len(w.waiting[cartID]) == 0 {
			delete(w.waiting, cartID)
		}
	}
}

// tell wakes those who watch the cart in this process.
func (w *Watchers) tell(cartID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.waiting[cartID] {
		select {
		case ch <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}
