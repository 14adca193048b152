package main

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
)

// follow prints what happens to the order until it is delivered. Notifications are numbered without gaps, and whoever comes
// back names the last number seen: a stream that breaks, as any does now and then, loses and doubles nothing.
func follow(ctx context.Context, c *client, order *orderv1.Order) error {
	seen := int64(0) // from the first on: the order's news may have come before we listen
	for {
		done, err := listen(ctx, c, order.GetId(), &seen)
		switch {
		case done || ctx.Err() != nil:
			return err
		case err != nil && connect.IsWireError(err) && connect.CodeOf(err) != connect.CodeUnavailable && reasonOf(err) != "TOKEN_EXPIRED":
			return fmt.Errorf("listening: %w", err) // the shop's answer, which asking again won't change
		}
		time.Sleep(time.Second)
	}
}

// listen reads one stream to its end and keeps the number of the last notification. done says that the order's life is over.
func listen(ctx context.Context, c *client, orderID string, seen *int64) (done bool, err error) {
	stream, err := c.notifications.Subscribe(ctx, &notificationv1.SubscribeRequest{
		AfterNumber: seen, Topics: []notificationv1.Topic{notificationv1.Topic_TOPIC_ORDER},
	})
	if err != nil {
		return false, err
	}
	defer stream.Close()
	for stream.Receive() {
		told := stream.Msg().GetNotification()
		if told == nil {
			continue // a heartbeat: the stream lives
		}
		*seen = told.GetNumber()
		if told.GetSubjectId() != orderID {
			continue
		}
		fmt.Printf("%s  %-18s %s\n", told.GetCreatedAt().AsTime().Local().Format(time.TimeOnly), told.GetType(), told.GetTitle())
		switch told.GetState() {
		case "DELIVERED":
			return true, nil
		case "CANCELLED":
			return true, fmt.Errorf("order %s was cancelled", orderID)
		}
	}
	return false, stream.Err()
}
