// Package throttle slows down those who guess passwords. What counts are failures: per account and client address
// together, so that a stranger elsewhere can't lock anybody out, and per client address, against one who tries many
// accounts. Counters live in Redis, so that replicas share them; while Redis is away each replica counts on its own.
package throttle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Limits say how many failures are allowed in a window.
type Limits struct {
	PerAccount int // of one account from one client address
	PerAddress int // of one client address
	Window     time.Duration
}

const (
	// patience bounds the wait for Redis: a log-in does without it rather than hang.
	patience = 500 * time.Millisecond
	// rest is how long Redis is left alone after it failed.
	rest = time.Second
)

// Throttle counts failures.
type Throttle struct {
	limits   Limits
	redis    redis.UniversalClient
	patience time.Duration
	rests    atomic.Int64 // until when, in nanoseconds since 1970 by the machine's clock
	local    *counters
	log      *slog.Logger
}

// New returns a throttle that counts in client, or in this process alone when client is nil.
func New(limits Limits, client redis.UniversalClient, clock func() time.Time, log *slog.Logger) *Throttle {
	return &Throttle{limits: limits, redis: client, patience: patience, local: newCounters(clock), log: log}
}

// Attempt is one try of a password, counted as a failure until it is known not to be one. Counting first keeps a thousand
// tries at once from passing before the first of them has failed.
type Attempt struct {
	throttle *Throttle
	keys     []string
}

// Begin counts an attempt on account, an e-mail address or id, or "" when only the client address counts. It returns
// TOO_MANY_ATTEMPTS, with `retry_after_seconds`, when there were too many before.
func (t *Throttle) Begin(ctx context.Context, account, address string) (*Attempt, error) {
	attempt := &Attempt{throttle: t}
	check := func(limit int, parts ...string) error {
		key := keyOf(parts...)
		attempt.keys = append(attempt.keys, key)
		count, left := t.add(ctx, key, 1)
		if count > int64(limit) {
			return tooMany(left)
		}
		return nil
	}
	err := check(t.limits.PerAddress, "address", address)
	if err == nil && account != "" {
		err = check(t.limits.PerAccount, "account", account, address)
	}
	if err != nil {
		// A refused try is no failure: who keeps trying is let in again at the end of the window.
		attempt.Succeeded(ctx)
		return nil, err
	}
	return attempt, nil
}

// Succeeded takes the attempt back.
func (a *Attempt) Succeeded(ctx context.Context) {
	for _, key := range a.keys {
		a.throttle.add(context.WithoutCancel(ctx), key, -1)
	}
	a.keys = nil
}

// change adds to a counter that ends a window after it began, and returns it with the milliseconds left. A counter that is
// gone is not taken below zero.
var change = redis.NewScript(`
local by, window = tonumber(ARGV[1]), tonumber(ARGV[2])
if by < 0 and redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0} end
local count = redis.call('INCRBY', KEYS[1], by)
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], window)
  left = window
end
return {count, left}`)

// add changes a counter and returns it with the time until it starts anew.
func (t *Throttle) add(ctx context.Context, key string, by int64) (count int64, left time.Duration) {
	if t.redis != nil && time.Now().UnixNano() >= t.rests.Load() {
		ctx, cancel := context.WithTimeout(ctx, t.patience)
		defer cancel()
		answer, err := change.Run(ctx, t.redis, []string{key}, by, t.limits.Window.Milliseconds()).Int64Slice()
		if err == nil && len(answer) == 2 {
			return answer[0], time.Duration(answer[1]) * time.Millisecond
		}
		t.rests.Store(time.Now().Add(rest).UnixNano())
		t.log.WarnContext(ctx, "failed log-ins are counted in this process alone", slog.Any("error", err))
	}
	return t.local.add(key, by, t.limits.Window)
}

func tooMany(left time.Duration) error {
	seconds := max(1, int64((left+time.Second-1)/time.Second))
	return fault.ResourceExhausted("TOO_MANY_ATTEMPTS", "too many failed attempts: try again in %d seconds", seconds).
		With("retry_after_seconds", strconv.FormatInt(seconds, 10))
}

// keyOf hides e-mail addresses from whoever reads Redis.
func keyOf(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part))
		hash.Write([]byte{0})
	}
	return "user:throttle:" + hex.EncodeToString(hash.Sum(nil)[:16])
}
