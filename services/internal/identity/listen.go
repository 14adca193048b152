package identity

import (
	"context"
	"fmt"
	"strings"
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
	since := r.clock().Add(-remember - time.Minute)
	setup, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	consumer, err := js.OrderedConsumer(setup, usersStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{revokedSubject},
		DeliverPolicy:  jetstream.DeliverByStartTimePolicy,
		OptStartTime:   &since,
	})
	if err != nil {
		return fmt.Errorf("hear revocations: %w", err)
	}
	var handled atomic.Uint64 // stream sequence of the last message
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		r.hear(msg)
		if meta, err := msg.Metadata(); err == nil {
			handled.Store(meta.Sequence.Stream)
		}
	}, jetstream.PullHeartbeat(probeEvery), jetstream.PullExpiry(30*time.Second))
	if err != nil {
		return fmt.Errorf("hear revocations: %w", err)
	}

	caughtUp := make(chan struct{})
	go func() {
		defer consuming.Stop()
		ticker := time.NewTicker(probeEvery)
		defer ticker.Stop()
		for first := caughtUp; ; {
			if current(ctx, consumer, &handled) {
				r.setHeard()
				if first != nil {
					close(first)
					first = nil
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
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
