package limit

import (
	"context"
	"crypto/rand"
	"math"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/optional"
)

const (
	// An edge takes a tenth of the burst at a time, at most maxShare calls: what an edge has taken and does not use is all
	// by which edges together can let through too much at once.
	shareOfBurst, maxShare = 10, 100
	// An address that has nothing left costs a look at Redis no more often, and no less often than this.
	minWait, maxWait = 20 * time.Millisecond, time.Second
	// placeTime is how long the place of a stream is kept for an edge that does not renew it, because it died.
	placeTime = time.Minute
)

var (
	// takeScript takes up to ARGV[3] calls from a bucket that fills by one in ARGV[1] microseconds up to ARGV[2]. All that is
	// stored is when it will be full. It returns how many were taken, and if none how long it takes until there is one.
	takeScript = redis.NewScript(`
		local interval, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
		local time = redis.call('TIME')
		local now = time[1] * 1000000 + time[2]
		local missing = math.min(math.max((redis.call('GET', KEYS[1]) or now) - now, 0), burst * interval)
		local taken = math.min(want, math.floor(burst - missing / interval))
		if taken < 1 then
			return {0, math.ceil(missing - (burst - 1) * interval)}
		end
		missing = missing + taken * interval
		redis.call('SET', KEYS[1], string.format('%.0f', now + missing), 'PX', math.ceil(missing / 1000))
		return {taken, 0}`)

	// enterScript keeps a place, ARGV[1], for ARGV[2] milliseconds, if there are fewer than ARGV[3] others.
	enterScript = redis.NewScript(`
		local time = redis.call('TIME')
		local now = time[1] * 1000 + math.floor(time[2] / 1000)
		redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
		if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
			return 0
		end
		redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
		redis.call('PEXPIRE', KEYS[1], ARGV[2])
		return 1`)

	leaveScript = redis.NewScript(`return redis.call('ZREM', KEYS[1], ARGV[1])`)
)

// shared is the count of all edges.
type shared struct {
	redis    *optional.Redis
	interval float64 // microseconds between calls
	burst    int
	share    int
	streams  int
}

func newShared(cfg Config) *shared {
	return &shared{
		redis: cfg.Redis, interval: 1e6 / cfg.Rate, burst: cfg.Burst, share: min(max(cfg.Burst/shareOfBurst, 1), maxShare), streams: cfg.Streams,
	}
}

// take takes some calls of an address for this edge. If there are none, wait says when to ask again. Without Redis ok is
// false.
func (s *shared) take(ctx context.Context, address string) (granted int, wait time.Duration, ok bool) {
	answer, ok := s.redis.Run(ctx, takeScript, []string{"edge:calls:" + address}, s.interval, s.burst, s.share)
	numbers, isList := answer.([]any)
	if !ok || !isList || len(numbers) != 2 {
		return 0, 0, false
	}
	taken, _ := numbers[0].(int64)
	micros, _ := numbers[1].(int64)
	return int(taken), min(max(time.Duration(micros)*time.Microsecond, minWait), maxWait), true
}

// enter takes a place for a stream of an address and keeps it until leave. Without Redis there is always one.
func (s *shared) enter(ctx context.Context, address string) (leave func(), ok bool) {
	if s.redis == nil {
		return func() {}, true
	}
	key, place := []string{"edge:streams:" + address}, rand.Text()
	answer, answered := s.redis.Run(ctx, enterScript, key, place, placeTime.Milliseconds(), s.streams)
	if answered && answer == int64(0) {
		return nil, false
	}
	ctx = context.WithoutCancel(ctx)
	open, leave := context.WithCancel(ctx)
	go func() {
		renew := time.NewTicker(placeTime / 3)
		defer renew.Stop()
		for {
			select {
			case <-open.Done():
				s.redis.Run(ctx, leaveScript, key, place)
				return
			case <-renew.C: // even if there are too many by now: Redis was away, or emptied
				s.redis.Run(ctx, enterScript, key, place, placeTime.Milliseconds(), math.MaxInt32)
			}
		}
	}()
	return leave, true
}
