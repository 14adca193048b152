package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
)

const (
	watchedEvery = 8  // one customer in so many has a browser open, which tells how far the orders are
	mostWatched  = 16 // of their orders may be on their way at once, which makes 128 in all
)

// flow is what a steady flow of orders came to.
type flow struct {
	carried     rate          // orders that reached the state
	early, late time.Duration // median time from the call to the state, of the first and of the last third
}

// measureFlow places the customers' orders, one each, as fast as others reach a state, for so long or until
// all have ordered, and counts until the last one is there.
func measureFlow(ctx context.Context, d time.Duration, m *market, customers []*customer, state string) (f flow, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watched []*customer
	for i, c := range customers {
		if i%watchedEvery == watchedEvery-1 {
			watched = append(watched, c)
		}
	}
	track := newTracker(state, watched)
	streams, err := m.watch(ctx, watched, track.hear)
	if err != nil {
		return f, err
	}
	began := time.Now()
	group, placing := errgroup.WithContext(ctx)
	turns := make(chan *customer)
	group.Go(func() error {
		defer close(turns)
		for _, c := range customers {
			if err := track.await(placing, mostWatched); err != nil || time.Since(began) > d {
				return err
			}
			select {
			case turns <- c:
				f.carried.count++
			case <-placing.Done():
				return nil
			}
		}
		return nil
	})
	for _, l := range m.lines {
		group.Go(func() error {
			for c := range turns {
				track.placed(c)
				if _, err := m.place(placing, l, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return f, err
	}
	if err := track.await(ctx, 1); err != nil {
		return f, err
	}
	f.carried.time = time.Since(began)
	f.early, f.late = track.thirds()
	cancel()
	return f, streams()
}

// tracker follows the orders of watched customers, one each, until they are in a state.
type tracker struct {
	state string

	mu      sync.Mutex
	waiting map[*customer]time.Time // zero before the customer orders
	open    int                     // ordered, and not yet in the state
	took    []time.Duration         // in the order of arrival
	failed  error
}

func newTracker(state string, watched []*customer) *tracker {
	t := &tracker{state: state, waiting: make(map[*customer]time.Time, len(watched))}
	for _, c := range watched {
		t.waiting[c] = time.Time{}
	}
	return t
}

// placed notes that a customer orders, if the customer is watched.
func (t *tracker) placed(c *customer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, watched := t.waiting[c]; watched {
		t.waiting[c] = time.Now()
		t.open++
	}
}

// hear notes what a customer is told.
func (t *tracker) hear(c *customer, news *notificationv1.Notification) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if news.GetState() == "CANCELLED" {
		t.failed = fmt.Errorf("order %s was cancelled: %s", news.GetSubjectId(), news.GetTitle())
	}
	since, waits := t.waiting[c]
	if news.GetState() != t.state || !waits {
		return
	}
	delete(t.waiting, c)
	t.open--
	t.took = append(t.took, time.Since(since))
}

// lag is how many orders are not in the state yet, and how long the oldest of them is on its way.
func (t *tracker) lag() (open int, oldest time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, since := range t.waiting {
		if !since.IsZero() {
			oldest = max(oldest, time.Since(since))
		}
	}
	return t.open, oldest, t.failed
}

var errStuck = errors.New("an order got stuck: nothing came of it for a minute")

// await waits until fewer than so many orders are on their way.
func (t *tracker) await(ctx context.Context, limit int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		open, oldest, err := t.lag()
		switch {
		case err != nil:
			return err
		case open < limit:
			return nil
		case oldest > time.Minute:
			return errStuck
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// thirds are the median times of the first and the last third.
func (t *tracker) thirds() (first, last time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	third := (len(t.took) + 2) / 3
	if third == 0 {
		return 0, 0
	}
	return median(t.took[:third]), median(t.took[len(t.took)-third:])
}

func median(all []time.Duration) time.Duration { return slices.Sorted(slices.Values(all))[len(all)/2] }
