package optional_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/cache/cachetest"
	"github.com/taproom-shop/taproom/services/internal/optional"
)

var script = redis.NewScript(`return ARGV[1]`)

func TestItIsAskedAgainOnceItIsBack(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		r := optional.New(server.Client, 10*time.Second, slog.New(slog.DiscardHandler))
		answers := func() bool {
			answer, ok := r.Run(t.Context(), script, nil, "hello")
			return ok && answer == "hello"
		}
		require.True(t, answers())
		server.Kill()
		require.False(t, answers())
		server.Start()
		require.Eventually(t, answers, 30*time.Second, 10*time.Millisecond)
	})
}

func TestAHangCostsItsTimeOnce(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		const patience, callers = time.Second, 10
		r := optional.New(server.Client, patience, slog.New(slog.DiscardHandler))
		_, ok := r.Run(t.Context(), script, nil, "warm")
		require.True(t, ok)
		server.Hang()
		began := time.Now()
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { // who calls at the same time waits at the same time
				if _, ok := r.Run(t.Context(), script, nil, ""); ok {
					t.Error("it answers")
				}
			})
		}
		all.Wait()
		require.GreaterOrEqual(t, time.Since(began), patience)
		// For three times as long as a look takes, calls find it away, again and again, and none waits.
		waited := 0
		for began = time.Now(); time.Since(began) < 3*patience; {
			call := time.Now()
			_, ok = r.Run(t.Context(), script, nil, "")
			require.False(t, ok)
			if time.Since(call) > patience/2 {
				waited++
			}
		}
		require.Zero(t, waited)
		server.Resume()
		require.Eventually(t, func() bool {
			_, ok := r.Run(t.Context(), script, nil, "")
			return ok
		}, 30*time.Second, 10*time.Millisecond)
	})
}

func TestNoRedisIsAlwaysAway(t *testing.T) {
	_, ok := optional.New(nil, optional.Patience, slog.New(slog.DiscardHandler)).Run(t.Context(), script, nil, "")
	require.False(t, ok)
}
