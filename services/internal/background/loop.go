// Package background runs the work that a service does on its own: relays, sweepers, intents that wait to be carried out.
package background

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
)

// Loop calls fn at once, then every so often, and whenever wake delivers, until ctx is done; then it returns nil once fn
// has returned. When fn says that there is more it is called again right away.
//
// An error or a panic of fn is logged under name and never ends the loop: the next call waits between half of and a whole
// delay that starts at 100 ms and doubles with each failure in a row up to 5 s. A wake-up during that time is kept for
// its end. A zero or negative every leaves only the wake-ups, and wake may be nil.
func Loop(ctx context.Context, log *slog.Logger, name string, every time.Duration, wake <-chan struct{}, fn func(ctx context.Context) (more bool, err error)) error {
	log = log.With(slog.String("loop", name))
	failures := 0
	for ctx.Err() == nil {
		more, err := call(ctx, fn)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being stopped is no failure
		}
		switch {
		case err != nil:
			delay := backOff(failures)
			failures++
			log.WarnContext(ctx, "background work failed and will be tried again",
				slog.Any("error", err), slog.Int("failures", failures), slog.Duration("delay", delay))
			pause(ctx, delay, nil)
		case more:
			failures = 0
		default:
			failures = 0
			pause(ctx, every, wake)
		}
	}
	return nil
}

// call runs fn and turns a panic into an error that carries its stack.
func call(ctx context.Context, fn func(ctx context.Context) (bool, error)) (more bool, err error) {
	defer func() {
		if value := recover(); value != nil {
			more, err = false, fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return fn(ctx)
}

// pause waits for the time to pass, the wake-up or the end of ctx. A time that is not positive never passes.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	var passed <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		passed = timer.C
	}
	select {
	case <-ctx.Done():
	case <-passed:
	case <-wake:
	}
}

func backOff(failures int) time.Duration {
	delay := min(firstDelay<<min(failures, 20), maxDelay)
	return delay/2 + rand.N(delay/2+1) //nolint:gosec // jitter is no secret
}
