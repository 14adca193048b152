// Package optional asks a Redis that may be away, slow or empty at any time. Who asks goes on soon, with an answer or
// without.
package optional

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// Patience is long for a Redis that works, and short for a person who waits.
	Patience = 100 * time.Millisecond
	// pause is how long Redis is left alone after it failed.
	pause = time.Second
)

// Redis is a Redis that nobody depends on; nil is one that is always away. It is safe for concurrent use.
type Redis struct {
	client   redis.UniversalClient
	patience time.Duration
	log      *slog.Logger
	asksAt   atomic.Int64 // when it is looked for again, in Unix nanoseconds; 0: it works
}

// New returns the Redis of client, nil if there is none. No call to it takes longer than patience. Troubles are logged.
func New(client redis.UniversalClient, patience time.Duration, log *slog.Logger) *Redis {
	if client == nil {
		return nil
	}
	return &Redis{client: client, patience: patience, log: log}
}

// Run runs a script. Without an answer ok is false: Redis is away, or ctx has ended. After a failure no call waits until
// Redis has been seen to work again, which is looked for once a second, outside of calls.
func (r *Redis) Run(ctx context.Context, script *redis.Script, keys []string, args ...any) (answer any, ok bool) {
	if !r.works(ctx) {
		return nil, false
	}
	answer, err := r.try(ctx, func(ctx context.Context) (any, error) {
		return script.Run(ctx, r.client, keys, args...).Result()
	})
	if err != nil && ctx.Err() == nil {
		if r.asksAt.Swap(time.Now().Add(pause).UnixNano()) == 0 {
			r.log.WarnContext(ctx, "Redis does not answer; the shop goes on without it", slog.Any("error", err))
		}
	}
	return answer, err == nil
}

func (r *Redis) works(ctx context.Context) bool {
	if r == nil {
		return false
	}
	at := r.asksAt.Load()
	if at == 0 {
		return true
	}
	if now := time.Now(); now.UnixNano() >= at {
		next := now.Add(pause).UnixNano()
		if r.asksAt.CompareAndSwap(at, next) {
			go r.look(context.WithoutCancel(ctx), next)
		}
	}
	return false
}

// look finds out whether Redis is back. A failure that was noticed meanwhile counts more.
func (r *Redis) look(ctx context.Context, asksAt int64) {
	_, err := r.try(ctx, func(ctx context.Context) (any, error) { return nil, r.client.Ping(ctx).Err() })
	if err == nil && r.asksAt.CompareAndSwap(asksAt, 0) {
		r.log.InfoContext(ctx, "Redis answers again")
	}
}

// try gives a command its time, whatever time-outs the client was made with.
func (r *Redis) try(ctx context.Context, command func(ctx context.Context) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	type result struct {
		answer any
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := command(ctx)
		done <- result{answer, err}
	}()
	select {
	case got := <-done:
		return got.answer, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
