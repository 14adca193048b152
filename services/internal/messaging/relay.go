package messaging

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/taproom-shop/taproom/services/internal/background"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

const (
	relayBatch    = 256             // events read at once, and the most in flight; a broker takes batches of up to 1000
	leastBatch    = 8               // events that cost the broker as much one by one as in a batch, which it stages first
	ackTimeout    = 5 * time.Second // what the broker may take to store an event
	leaseTime     = 6 * time.Second
	sweepEvery    = time.Second
	pruneEvery    = 10 * time.Minute
	publishTries  = 10      // before an event that can't be published is set aside
	headerReserve = 8 << 10 // bytes of a message that headers and a later copy to the DLQ may need
)

// Relay publishes what a service wrote to its outbox, in order for each aggregate. Of the relays of a service, one per
// replica, the one that holds the lease works and the others stand by. A crash between publishing and marking publishes
// again under the same message id, which the stream, or else the inbox, recognises.
type Relay struct {
	Service string
	DB      *database.DB
	NATS    *nats.Conn
	Log     *slog.Logger
}

// Run relays until ctx is done, then gives up the lease.
func (r Relay) Run(ctx context.Context) error {
	js, err := jetstream.New(r.NATS, jetstream.WithPublishAsyncMaxPending(relayBatch), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return fmt.Errorf("relay of %s: %w", r.Service, err)
	}
	holder, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("relay of %s: %w", r.Service, err)
	}
	run := &relayRun{
		Relay:   r,
		js:      js,
		holder:  holder.String(),
		blocked: make(map[string]time.Time),
	}
	run.Log = r.Log.With(slog.String("relay", r.Service))
	wake := make(chan struct{}, 1)
	poke := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	subject := WakeSubject(r.Service)
	sub, err := r.NATS.Subscribe(subject, func(*nats.Msg) {
		if run.holds.Load() {
			poke()
		}
	})
	if err != nil {
		return fmt.Errorf("relay of %s: %w", r.Service, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	written := journal.Wake(r.DB)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-written:
				if run.holds.Load() {
					poke()
				} else {
					_ = r.NATS.Publish(subject, nil) // another replica's relay publishes what this one wrote
				}
			}
		}
	}()
	err = background.Loop(ctx, run.Log, "outbox", sweepEvery, wake, run.step)
	run.release(ctx)
	return err
}

// WakeSubject is the core NATS subject on which a replica of a service tells the relay of another that there is work.
func WakeSubject(service string) string { return "taproom.wake." + service }

// relayRun is the running of a relay.
type relayRun struct {
	Relay
	js         jetstream.JetStream
	holder     string
	holds      atomic.Bool
	leaseUntil time.Time
	pruneAt    time.Time
	blocked    map[string]time.Time // aggregates that wait, and until when
}

// step publishes one batch. more says that another one may wait.
func (r *relayRun) step(ctx context.Context) (more bool, err error) {
	if held, err := r.lease(ctx); err != nil || !held {
		return false, err
	}
	if !r.NATS.IsConnected() {
		return false, nil
	}
	now := r.DB.Now()
	r.prune(ctx, now)
	events, more, err := r.next(ctx, now)
	if err != nil || len(events) == 0 {
		return false, err
	}
	sent := r.publish(ctx, events)
	if err := r.mark(ctx, sent.published); err != nil {
		return false, err
	}
	for _, f := range sent.failures {
		if err := r.hold(ctx, f, now); err != nil {
			return false, err
		}
	}
	if sent.outage != nil {
		r.Log.WarnContext(ctx, "broker does not take events; they wait in the outbox", slog.Any("error", sent.outage))
	}
	return more && sent.outage == nil, nil
}

// lease takes the lease or renews it in good time.
func (r *relayRun) lease(ctx context.Context) (held bool, err error) {
	now := r.DB.Now()
	if r.holds.Load() && now.Before(r.leaseUntil.Add(-leaseTime/2)) {
		return true, nil
	}
	held, err = journal.AcquireLease(ctx, r.DB, "relay", r.holder, leaseTime, now)
	held = held && err == nil
	r.leaseUntil = now.Add(leaseTime)
	if r.holds.Swap(held) != held {
		r.Log.InfoContext(ctx, "lease of the outbox changed hands", slog.Bool("held", held))
		clear(r.blocked)
	}
	return held, err
}

func (r *relayRun) release(ctx context.Context) {
	if !r.holds.Swap(false) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if err := journal.ReleaseLease(ctx, r.DB, "relay", r.holder); err != nil {
		r.Log.WarnContext(ctx, "lease can't be given up; it runs out", slog.Any("error", err))
	}
}

func (r *relayRun) prune(ctx context.Context, now time.Time) {
	if now.Before(r.pruneAt) {
		return
	}
	r.pruneAt = now.Add(pruneEvery)
	if err := journal.Prune(ctx, r.DB, now); err != nil {
		r.Log.WarnContext(ctx, "old rows of the journal stay", slog.Any("error", err))
	}
}

// mark records what the broker stored. It does so even when the service stops, so that less is published twice.
func (r *relayRun) mark(ctx context.Context, published []journal.Record) error {
	if len(published) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	ids := make([]string, len(published))
	for i, e := range published {
		ids[i] = e.ID
	}
	return journal.MarkPublished(ctx, r.DB, ids, r.DB.Now())
}
