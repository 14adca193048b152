package cache

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// revision knows the source's revision without asking for it each time.
type revision struct {
	read   func(ctx context.Context) (int64, error)
	maxAge time.Duration

	changes atomic.Uint64 // heard of
	known   atomic.Pointer[reading]
	flights singleflight.Group
}

// reading is the revision as it was read once.
type reading struct {
	number  int64
	at      time.Time // before it was read
	changes uint64    // heard of before it was read
}

func (r *revision) invalidate() { r.changes.Add(1) }

// current returns the revision, no older than maxAge and read after the last change heard of before the call.
func (r *revision) current(ctx context.Context) (int64, error) {
	changes := r.changes.Load()
	if known := r.known.Load(); known != nil && known.changes == changes && time.Since(known.at) < r.maxAge {
		return known.number, nil
	}
	flight := r.flights.DoChan(strconv.FormatUint(changes, 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTimeout)
		defer cancel()
		at := time.Now()
		number, err := r.read(ctx)
		if err != nil {
			return nil, err
		}
		r.known.Store(&reading{number: number, at: at, changes: changes})
		return number, nil
	})
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case result := <-flight:
		number, _ := result.Val.(int64)
		return number, result.Err
	}
}
