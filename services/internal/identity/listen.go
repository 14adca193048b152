package identity

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
)

const (
	usersStream    = "USERS"
	revokedSubject = "taproom.user.sessions_revoked.*"

	probeEvery   = 500 * time.Millisecond
	probeTimeout = time.Second
	// deafAfter is how long nothing may be known about the stream before Healthy says no.
	deafAfter = 2500 * time.Millisecond
	// catchUpWithin bounds Start.
	catchUpWithin = 15 * time.Second
)

// Start hears revocations from the stream USERS until ctx ends. It returns when those of the last minutes are known,
// so that a service that answers after it never takes a token revoked before.
func (r *Revocations) Start(ctx context.Context, js jetstream.JetStream) error {
	setup, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	l, err := r.listen(setup, js)
	if err != nil {
		return err
	}
	caughtUp := make(chan struct{})
	go func() {
		for first := sync.OnceFunc(func() { close(caughtUp) }); ; {
			l.keep(ctx, func() {
				r.setHeard()
				first()
			})
			if l = r.listenAgain(ctx, js); l == nil {
				return
			}
		}
	}()
	select {
	case <-caughtUp:
		return nil
	case <-setup.Done():
		return fmt.Errorf("hear revocations: the stream %s was not read to its end: %w", usersStream, setup.Err())
	}
}

// listening is one try to hear the stream.
type listening struct {
	consumer  jetstream.Consumer
	consuming jetstream.ConsumeContext
	handled   atomic.Uint64 // stream sequence of the last message
}

// listen begins with the revocations of the last minutes.
func (r *Revocations) listen(ctx context.Context, js jetstream.JetStream) (l *listening, err error) {
	l = new(listening)
	since := r.clock().Add(-remember - time.Minute)
	l.consumer, err = js.OrderedConsumer(ctx, usersStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{revokedSubject},
		DeliverPolicy:  jetstream.DeliverByStartTimePolicy,
		OptStartTime:   &since,
	})
	if err != nil {
		return nil, fmt.Errorf("hear revocations: %w", err)
	}
	l.consuming, err = l.consumer.Consume(func(msg jetstream.Msg) {
		r.hear(msg)
		if meta, err := msg.Metadata(); err == nil {
			l.handled.Store(meta.Sequence.Stream)
		}
	}, jetstream.PullHeartbeat(probeEvery), jetstream.PullExpiry(30*time.Second))
	if err != nil {
		return nil, fmt.Errorf("hear revocations: %w", err)
	}
	return l, nil
}

// listenAgain begins anew as soon as the stream can be heard. It returns nil when ctx ends. A consumer that was lost would
// be made again by its client, but only after pauses that grow while the servers choose a leader.
func (r *Revocations) listenAgain(ctx context.Context, js jetstream.JetStream) *listening {
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, probeTimeout)
		l, err := r.listen(try, js)
		cancel()
		if err == nil {
			return l
		}
		select {
		case <-ctx.Done():
		case <-time.After(probeEvery):
		}
	}
	return nil
}

// keep says whenever everything was heard, until ctx ends or nothing is known about the stream for too long.
func (l *listening) keep(ctx context.Context, heard func()) {
	defer l.consuming.Stop()
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for last := time.Now(); time.Since(last) < deafAfter; {
		if current(ctx, l.consumer, &l.handled) {
			last = time.Now()
			heard()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// current asks the server whether everything that was published has been handled here: more than the state of the
// connection, it proves that revocations do arrive.
func current(ctx context.Context, consumer jetstream.Consumer, handled *atomic.Uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	info, err := consumer.Info(ctx)
	if err != nil || info.NumPending > 0 {
		return false
	}
	return info.Delivered.Consumer == 0 || handled.Load() >= info.Delivered.Stream
}

// hear takes in one event. One that can't be read revokes everything of the person whom its subject names: better a
// log-in too many than a token that outlives its session.
func (r *Revocations) hear(msg jetstream.Msg) {
	var event eventv1.UserSessionsRevoked
	if err := proto.Unmarshal(msg.Data(), &event); err != nil || event.GetUserId() == "" || event.GetRevokedAt() == nil {
		subject := msg.Subject()
		r.Revoke(subject[strings.LastIndexByte(subject, '.')+1:], "", r.clock())
		return
	}
	r.Revoke(event.GetUserId(), event.GetSessionId(), event.GetRevokedAt().AsTime())
}

// Healthy reports whether revocations are being heard. When not, methods that move money or stock must refuse.
func (r *Revocations) Healthy() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return !r.heard.IsZero() && time.Since(r.heard) < deafAfter
}

func (r *Revocations) setHeard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = time.Now()
}
