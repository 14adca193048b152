package main

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
)

const (
	buyers    = 64                    // who have the shop open in a browser
	buyEvery  = 50 * time.Millisecond // one of them orders
	liveLimit = 50 * time.Millisecond
)

// watch opens a live stream for each customer, and calls hear for all news. wait returns once the streams have ended,
// which they do with ctx.
func (m *market) watch(ctx context.Context, customers []*customer, hear func(c *customer, news *notificationv1.Notification)) (wait func() error, err error) {
	var group errgroup.Group
	for i, c := range customers {
		stream, err := m.lines[i%connections].notifications.Subscribe(as(ctx, c.session), &notificationv1.SubscribeRequest{
			Topics: []notificationv1.Topic{notificationv1.Topic_TOPIC_ORDER},
		})
		if err != nil {
			return nil, fmt.Errorf("opening a stream: %w", err)
		}
		group.Go(func() error {
			defer func() { _ = stream.Close() }() // it has ended
			for stream.Receive() {
				if news := stream.Msg().GetNotification(); news != nil {
					hear(c, news)
				}
			}
			if err := stream.Err(); connect.CodeOf(err) != connect.CodeCanceled {
				return fmt.Errorf("a live stream broke: %w", err)
			}
			return nil
		})
	}
	return group.Wait, nil
}

// measureLive has buyers order at a steady pace, and measures from an event's time, which is taken right before its commit, to
// its arrival in the buyer's stream.
func measureLive(ctx context.Context, d time.Duration, m *market, customers []*customer) (*latencies, error) {
	if err := m.fillCarts(ctx, customers); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard, delivered := &latencies{}, make(chan *customer, len(customers))
	streams, err := m.watch(ctx, customers, func(c *customer, news *notificationv1.Notification) {
		heard.add(time.Since(news.GetCreatedAt().AsTime()))
		if news.GetState() == "DELIVERED" {
			delivered <- c
		}
	})
	if err != nil {
		return nil, err
	}
	if err := buySteadily(ctx, d, m, customers, delivered); err != nil {
		return nil, err
	}
	cancel()
	return heard, streams()
}

// buySteadily has one customer after the other order, each again once the last order is delivered.
func buySteadily(ctx context.Context, d time.Duration, m *market, customers []*customer, delivered <-chan *customer) error {
	group, ctx := errgroup.WithContext(ctx)
	ready, over := make(chan *customer, len(customers)), make(chan struct{})
	for _, c := range customers {
		ready <- c
	}
	const fillers = connections / 2
	for _, l := range m.lines[:fillers] {
		group.Go(func() error {
			for {
				select {
				case <-over:
					return nil
				case <-ctx.Done():
					return nil
				case c := <-delivered:
					if err := m.fillCart(ctx, l, c); err != nil {
						return err
					}
					ready <- c
				}
			}
		})
	}
	group.Go(func() error {
		defer close(over)
		pace, end := time.NewTicker(buyEvery), time.After(d)
		defer pace.Stop()
		for caller := fillers; ; caller = fillers + (caller+1)%(connections-fillers) {
			select {
			case <-end:
				return nil
			case <-ctx.Done():
				return nil
			case <-pace.C:
			}
			select {
			case c := <-ready:
				group.Go(func() error {
					_, err := m.place(ctx, m.lines[caller], c)
					return err
				})
			default: // all carts are on their way
			}
		}
	})
	return group.Wait()
}

// measureBareLive listens to streams whose news are made on the spot.
func measureBareLive(ctx context.Context, d time.Duration, url string) (*latencies, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	m, heard := &market{lines: newLines(url)}, &latencies{}
	customers := make([]*customer, buyers)
	for i := range customers {
		customers[i] = &customer{}
	}
	wait, err := m.watch(ctx, customers, func(_ *customer, news *notificationv1.Notification) {
		heard.add(time.Since(news.GetCreatedAt().AsTime()))
	})
	if err != nil {
		return nil, err
	}
	if err := wait(); err != nil && ctx.Err() == nil {
		return nil, err
	}
	return heard, nil
}
