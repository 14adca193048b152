package database

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	maxAttempts = 6
	firstPause  = 5 * time.Millisecond
)

// retryable tells failures after which nothing is committed and the same transaction may well succeed.
func retryable(err error) bool {
	return err != nil && (isSQLiteBusy(err) || isPostgresConflict(err))
}

// retry calls attempt until it succeeds, fails for good, or has been tried maxAttempts times. Pauses double and are
// jittered, so that those who collided don't collide again.
func retry(ctx context.Context, attempt func() error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := attempt()
		if n == maxAttempts || !retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // jitter is no secret
		}
		pause *= 2
	}
}
