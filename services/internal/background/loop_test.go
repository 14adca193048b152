package background_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/background"
)

// start runs Loop in the bubble and returns a function that stops it and waits for its end.
func start(t *testing.T, log *slog.Logger, every time.Duration, wake <-chan struct{}, fn func(ctx context.Context) (bool, error)) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- background.Loop(ctx, log, "test", every, wake, fn) }()
	return func() {
		cancel()
		require.NoError(t, <-done)
	}
}

// pass lets the bubble's time go on.
func pass(d time.Duration) { <-time.After(d) }

func TestRunsAtOnceAndThenEverySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		stop := start(t, slog.New(slog.DiscardHandler), time.Minute, nil, func(context.Context) (bool, error) {
			calls.Add(1)
			return false, nil
		})
		synctest.Wait()
		require.EqualValues(t, 1, calls.Load())
		pass(3 * time.Minute)
		synctest.Wait()
		require.EqualValues(t, 4, calls.Load())
		stop()
	})
}

func TestWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		wake := make(chan struct{}, 1)
		stop := start(t, slog.New(slog.DiscardHandler), 0, wake, func(context.Context) (bool, error) {
			calls.Add(1)
			return false, nil
		})
		pass(time.Hour)
		require.EqualValues(t, 1, calls.Load(), "without a period only wake-ups count")
		wake <- struct{}{}
		synctest.Wait()
		require.EqualValues(t, 2, calls.Load())
		stop()
	})
}

func TestMoreRunsAgainRightAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Int32
		left.Store(5)
		stop := start(t, slog.New(slog.DiscardHandler), time.Hour, nil, func(context.Context) (bool, error) {
			return left.Add(-1) > 0, nil
		})
		synctest.Wait()
		require.Zero(t, left.Load())
		stop()
	})
}

func TestBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		var calls []time.Time
		stop := start(t, slog.New(slog.NewTextHandler(&logged, nil)), time.Second, nil, func(context.Context) (bool, error) {
			calls = append(calls, time.Now())
			return true, errors.New("broker is away")
		})
		pass(10 * time.Minute)
		stop()

		delay := 100 * time.Millisecond
		for i := 1; i < len(calls); i++ {
			waited := calls[i].Sub(calls[i-1])
			require.GreaterOrEqual(t, waited, delay/2)
			require.LessOrEqual(t, waited, delay)
			delay = min(2*delay, 5*time.Second)
		}
		require.Greater(t, len(calls), 20, "the delay is capped")
		require.Contains(t, logged.String(), "broker is away")
		require.Contains(t, logged.String(), "loop=test")
	})
}

func TestSuccessMakesTheDelayShortAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		const succeeds = 8 // the index of the only call that does
		stop := start(t, slog.New(slog.DiscardHandler), time.Second, nil, func(context.Context) (bool, error) {
			calls = append(calls, time.Now())
			if len(calls)-1 == succeeds {
				return false, nil
			}
			return false, errors.New("broker is away")
		})
		pass(time.Minute)
		stop()
		require.Greater(t, calls[succeeds].Sub(calls[succeeds-1]), time.Second)
		require.LessOrEqual(t, calls[succeeds+2].Sub(calls[succeeds+1]), 100*time.Millisecond)
	})
}

func TestPanicIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		calls := 0
		stop := start(t, slog.New(slog.NewTextHandler(&logged, nil)), time.Second, nil, func(context.Context) (bool, error) {
			calls++
			panic("nil map")
		})
		pass(time.Second)
		stop()
		require.Greater(t, calls, 1)
		require.Contains(t, logged.String(), "nil map")
	})
}

func TestStopsCleanly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		stop := start(t, slog.New(slog.NewTextHandler(&logged, nil)), time.Second, nil, func(ctx context.Context) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		})
		synctest.Wait()
		stop()
		require.Empty(t, logged.String(), "being stopped is no failure")
	})
}
