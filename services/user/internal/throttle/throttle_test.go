package throttle_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/throttle"
)

var limits = throttle.Limits{PerAccount: 3, PerAddress: 5, Window: time.Minute}

// each runs test with counters in Redis, in memory, and in memory because Redis is away. pass lets time go by.
func each(t *testing.T, test func(t *testing.T, th *throttle.Throttle, pass func(time.Duration))) {
	log := slog.New(slog.DiscardHandler)
	t.Run("redis", func(t *testing.T) {
		server := miniredis.RunT(t)
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: time.Minute, DialTimeout: time.Minute, PoolTimeout: time.Minute})
		t.Cleanup(func() { require.NoError(t, client.Close()) })
		test(t, throttle.Patient(throttle.New(limits, client, time.Now, log)), server.FastForward)
	})
	inMemory := func(client redis.UniversalClient) func(t *testing.T) {
		return func(t *testing.T) {
			var passed atomic.Int64
			clock := func() time.Time { return time.Unix(1_000_000, 0).Add(time.Duration(passed.Load())) }
			test(t, throttle.New(limits, client, clock, log), func(d time.Duration) { passed.Add(int64(d)) })
		}
	}
	t.Run("memory", inMemory(nil))
	away := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	t.Run("redis away", inMemory(away))
}

func fail(t *testing.T, th *throttle.Throttle, account, address string) error {
	t.Helper()
	_, err := th.Begin(t.Context(), account, address)
	return err
}

func TestFailuresCount(t *testing.T) {
	each(t, func(t *testing.T, th *throttle.Throttle, pass func(time.Duration)) {
		for range limits.PerAccount {
			require.NoError(t, fail(t, th, "ann", "1.1.1.1"))
		}
		err := fail(t, th, "ann", "1.1.1.1")
		require.Equal(t, "TOO_MANY_ATTEMPTS", fault.ReasonOf(err))
		require.Equal(t, fault.KindResourceExhausted, fault.KindOf(err))
		var refused *fault.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "60", refused.Metadata["retry_after_seconds"])

		require.NoError(t, fail(t, th, "ann", "2.2.2.2"), "strangers don't lock the owner out")
		require.NoError(t, fail(t, th, "bob", "1.1.1.1"), "another account")

		pass(limits.Window + time.Second)
		require.NoError(t, fail(t, th, "ann", "1.1.1.1"))
	})
}

func TestOneAddressTriesManyAccounts(t *testing.T) {
	each(t, func(t *testing.T, th *throttle.Throttle, _ func(time.Duration)) {
		for _, account := range []string{"a", "b", "c", "d", "e"} {
			require.NoError(t, fail(t, th, account, "1.1.1.1"))
		}
		require.Equal(t, "TOO_MANY_ATTEMPTS", fault.ReasonOf(fail(t, th, "f", "1.1.1.1")))
		require.Equal(t, "TOO_MANY_ATTEMPTS", fault.ReasonOf(fail(t, th, "", "1.1.1.1")))
	})
}

func TestSuccessesDoNotCount(t *testing.T) {
	each(t, func(t *testing.T, th *throttle.Throttle, _ func(time.Duration)) {
		for range 3 * limits.PerAddress {
			attempt, err := th.Begin(t.Context(), "ann", "1.1.1.1")
			require.NoError(t, err)
			attempt.Succeeded(t.Context())
		}
	})
}

func TestRefusedTriesDoNotCount(t *testing.T) {
	each(t, func(t *testing.T, th *throttle.Throttle, _ func(time.Duration)) {
		for range 10 * limits.PerAddress {
			_ = fail(t, th, "ann", "1.1.1.1")
		}
		require.NoError(t, fail(t, th, "bob", "1.1.1.1"), "the address has three failures, not fifty")
	})
}

func TestManyAtOncePassTheLimitInNumber(t *testing.T) {
	each(t, func(t *testing.T, th *throttle.Throttle, _ func(time.Duration)) {
		var passed atomic.Int64
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := th.Begin(t.Context(), "ann", "1.1.1.1"); err == nil {
					passed.Add(1)
				}
			})
		}
		group.Wait()
		require.LessOrEqual(t, passed.Load(), int64(limits.PerAccount))
		require.Positive(t, passed.Load())
	})
}
