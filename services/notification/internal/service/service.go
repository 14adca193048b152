// Package service answers the notification service's remote calls.
package service

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/notification/internal/store"
)

// Notifications answers NotificationService.
type Notifications struct {
	store *store.Store
	nats  *nats.Conn
	clock func() time.Time
}

// New returns the handler.
func New(store *store.Store, conn *nats.Conn, clock func() time.Time) *Notifications {
	return &Notifications{store: store, nats: conn, clock: clock}
}

// ListNotifications answers what the caller was told, newest first.
func (n *Notifications) ListNotifications(ctx context.Context, req *notificationv1.ListNotificationsRequest) (*notificationv1.ListNotificationsResponse, error) {
	var below int64
	if err := paging.Decode(req.GetPageToken(), &below); err != nil {
		return nil, err
	}
	userID := identity.Must(ctx).ID
	box, err := n.store.Mailbox(ctx, userID)
	if err != nil {
		return nil, err
	}
	var above int64
	if req.GetUnreadOnly() {
		above = box.ReadUpTo
	}
	size := paging.Size(req.GetPageSize())
	kept, err := n.store.Before(ctx, userID, below, above, size+1)
	if err != nil {
		return nil, err
	}
	res := &notificationv1.ListNotificationsResponse{UnreadCount: box.Unread()}
	if len(kept) > size {
		kept = kept[:size]
		res.NextPageToken = paging.Encode(kept[size-1].Number)
	}
	for _, k := range kept {
		res.Notifications = append(res.Notifications, toProto(k, box.ReadUpTo))
	}
	return res, nil
}

// MarkNotificationsRead marks what the caller was told as read, up to a number.
func (n *Notifications) MarkNotificationsRead(ctx context.Context, req *notificationv1.MarkNotificationsReadRequest) (*notificationv1.MarkNotificationsReadResponse, error) {
	box, err := n.store.MarkRead(ctx, identity.Must(ctx).ID, req.GetUpToNumber())
	if err != nil {
		return nil, err
	}
	return &notificationv1.MarkNotificationsReadResponse{UnreadCount: box.Unread()}, nil
}

func toProto(n store.Notification, readUpTo int64) *notificationv1.Notification {
	return &notificationv1.Notification{
		Number: n.Number, Topic: notificationv1.Topic_TOPIC_ORDER, Type: n.Type, SubjectId: n.OrderID, Title: n.Title,
		CreatedAt: timestamppb.New(n.CreatedAt), Read: n.Number <= readUpTo, Version: n.Version, State: n.State,
	}
}
