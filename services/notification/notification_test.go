package notification_test

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"connectrpc.com/connect"
	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/notification"
	"github.com/taproom-shop/taproom/services/notification/internal/ent/db"
)

func TestMigrationsMatchTheSchema(t *testing.T) {
	databasetest.Each(t, notification.Migrations(), func(t *testing.T, kept *database.DB) {
		databasetest.AssertCurrent(t, kept, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			return db.NewClient(db.Driver(driver)).Schema.WriteTo(ctx, w)
		})
	})
}

// list answers all that somebody was told, the newest first, page by page.
func list(t *testing.T, client notificationv1connect.NotificationServiceClient, req *notificationv1.ListNotificationsRequest) (all []*notificationv1.Notification, unread int64) {
	t.Helper()
	req = proto.CloneOf(req)
	for {
		res, err := client.ListNotifications(t.Context(), req)
		require.NoError(t, err)
		all, unread = append(all, res.GetNotifications()...), res.GetUnreadCount()
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return all, unread
		}
	}
}

func TestNumbersHaveNoGapsAndNothingIsToldTwice(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		replicas := []*replica{s.start("a"), s.start("b")}
		users := []string{newID(), newID(), newID()}
		const events = 60
		var messages []messaging.Message
		for i := range events * len(users) {
			m := messageOf(t, placed(users[i%len(users)]))
			messages = append(messages, m, m)
		}
		deliver := func() {
			rand.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
			var group errgroup.Group
			for i := range 4 {
				part := messages[i*len(messages)/4 : (i+1)*len(messages)/4]
				group.Go(func() error {
					for len(part) > 0 {
						n := min(len(part), 1+rand.N(20))
						if err := replicas[i%2].take(part[:n]...); err != nil {
							return err
						}
						part = part[n:]
					}
					return nil
				})
			}
			require.NoError(t, group.Wait())
		}
		check := func() {
			for _, user := range users {
				all, unread := list(t, replicas[0].as(identity.RoleCustomer, user), &notificationv1.ListNotificationsRequest{PageSize: 17})
				require.EqualValues(t, events, unread)
				require.Len(t, all, events)
				orders := make(map[string]bool)
				for i, n := range all {
					require.EqualValues(t, events-i, n.GetNumber())
					orders[n.GetSubjectId()] = true
				}
				require.Len(t, orders, events)
			}
		}
		deliver()
		check()
		require.NoError(t, s.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM inbox")
			return err
		}))
		deliver()
		check()
	})
}

func TestNotificationsAreRead(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		r := s.start("a")
		id := newID()
		ann, ben := r.as(identity.RoleCustomer, id), r.as(identity.RoleCustomer, newID())
		read := func(n int64) int64 {
			res, err := ann.MarkNotificationsRead(t.Context(), &notificationv1.MarkNotificationsReadRequest{UpToNumber: n})
			require.NoError(t, err)
			return res.GetUnreadCount()
		}
		require.Zero(t, read(3), "of none")
		for range 5 {
			require.NoError(t, r.take(messageOf(t, placed(id))))
		}
		require.EqualValues(t, 2, read(3))
		require.EqualValues(t, 2, read(1), "it never goes back")
		all, unread := list(t, ann, &notificationv1.ListNotificationsRequest{})
		require.EqualValues(t, 2, unread)
		for _, n := range all {
			require.Equal(t, n.GetNumber() <= 3, n.GetRead())
		}
		all, _ = list(t, ann, &notificationv1.ListNotificationsRequest{UnreadOnly: true, PageSize: 1})
		require.Len(t, all, 2)
		require.Zero(t, read(1_000_000), "no further than there are")
		require.NoError(t, r.take(messageOf(t, placed(id))))
		all, unread = list(t, ann, &notificationv1.ListNotificationsRequest{UnreadOnly: true})
		require.EqualValues(t, 1, unread)
		require.Len(t, all, 1)

		all, unread = list(t, ben, &notificationv1.ListNotificationsRequest{})
		require.Empty(t, all)
		require.Zero(t, unread)
		_, err := ann.ListNotifications(t.Context(), &notificationv1.ListNotificationsRequest{PageToken: "?"})
		requireFault(t, err, connect.CodeInvalidArgument, "PAGE_TOKEN_INVALID")
		_, err = r.as(identity.RoleGuest, id).ListNotifications(t.Context(), &notificationv1.ListNotificationsRequest{})
		requireFault(t, err, connect.CodePermissionDenied, "CUSTOMER_REQUIRED")
	})
}

func TestEachStepOfAnOrderIsTold(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("a")
	user, order := newID(), newID()
	steps := []proto.Message{
		&eventv1.OrderPlaced{OrderId: order, UserId: user, Version: 1},
		&eventv1.OrderConfirmed{OrderId: order, UserId: user, Version: 2},
		&eventv1.OrderPaid{OrderId: order, UserId: user, Version: 3},
		&eventv1.OrderProgressed{OrderId: order, UserId: user, Version: 4, State: "ASSEMBLING"},
		&eventv1.OrderProgressed{OrderId: order, UserId: user, Version: 5, State: "ASSEMBLED"},
		&eventv1.OrderCancelRequested{OrderId: order, UserId: user, Version: 6},
		&eventv1.OrderCancelRefused{OrderId: order, UserId: user, Version: 7},
		&eventv1.OrderProgressed{OrderId: order, UserId: user, Version: 8, State: "DELIVERING"},
		&eventv1.OrderProgressed{OrderId: order, UserId: user, Version: 9, State: "DELIVERED"},
	}
	for _, reason := range []string{"CUSTOMER", "STAFF", "OUT_OF_STOCK", "PAYMENT_DECLINED", "TIMEOUT", "FRAUD"} {
		steps = append(steps, &eventv1.OrderCancelled{OrderId: order, UserId: user, Version: 10, Reason: reason})
	}
	for _, step := range steps {
		require.NoError(t, r.take(messageOf(t, step)))
	}
	all, _ := list(t, r.as(identity.RoleCustomer, user), &notificationv1.ListNotificationsRequest{})
	require.Len(t, all, len(steps))
	for _, n := range all {
		require.Equal(t, notificationv1.Topic_TOPIC_ORDER, n.GetTopic())
		require.NotEmpty(t, n.GetTitle())
		require.NotEmpty(t, n.GetType())
		require.Equal(t, order, n.GetSubjectId())
	}
	require.Equal(t, "DELIVERED", all[6].GetState())
	require.EqualValues(t, 9, all[6].GetVersion())
}

func TestADeletedAccountIsToldNothingMore(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("a")
	r.run()
	id, other := newID(), newID()
	require.NoError(t, r.take(messageOf(t, placed(id)), messageOf(t, placed(other))))
	s.publish(&eventv1.UserDeleted{UserId: id, Version: 2})
	require.Eventually(t, func() bool {
		all, unread := list(t, r.as(identity.RoleCustomer, id), &notificationv1.ListNotificationsRequest{})
		return len(all) == 0 && unread == 0
	}, soon, 5*time.Millisecond)
	all, _ := list(t, r.as(identity.RoleCustomer, other), &notificationv1.ListNotificationsRequest{})
	require.Len(t, all, 1)
}
