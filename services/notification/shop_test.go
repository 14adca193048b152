package notification_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/notification"
)

// soon is well before a heartbeat, which would mend what a wake-up failed to do.
const soon = 10 * time.Second

// shop is a broker and a database with replicas of the notification service.
type shop struct {
	*rpctest.Shop
	t      *testing.T
	db     *database.DB
	broker *server.Server
	nats   *nats.Conn
}

func each(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Helper()
	databasetest.Each(t, notification.Migrations(), func(t *testing.T, db *database.DB) { test(t, newShop(t, db)) })
}

func sqliteShop(t *testing.T) *shop {
	t.Helper()
	return newShop(t, databasetest.SQLite(t, notification.Migrations()...))
}

func newShop(t *testing.T, db *database.DB) *shop {
	t.Helper()
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(broker, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), js, 1))
	return &shop{Shop: rpctest.New(t), t: t, db: db, broker: broker, nats: conn}
}

// replica is one process of the service; its calls are answered under its name.
type replica struct {
	*shop
	name   string
	module *module.Module
	js     jetstream.JetStream
}

func (s *shop) start(name string) *replica {
	s.t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(s.broker))
	require.NoError(s.t, err)
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(s.t, err)
	m, err := notification.New(notification.Config{}, module.Kit{
		Log: s.Log, Clock: s.Clock, DB: s.db, NATS: conn, JetStream: js, HandlerOptions: s.Options("notification"),
	})
	require.NoError(s.t, err)
	mux := http.NewServeMux()
	module.Mount(mux, m)
	s.Resolver.Register(name, mux)
	return &replica{s, name, m, js}
}

// run starts the replica's consumers.
func (r *replica) run() {
	for _, c := range r.module.Consumers {
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
		done := make(chan error, 1)
		go func() { done <- messaging.Runner{JetStream: r.js, DB: r.db, Log: r.Log}.Consume(ctx, c) }()
		r.t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Error(err)
			}
		})
	}
}

// take puts messages through the replica's consumer of orders in one batch.
func (r *replica) take(messages ...messaging.Message) error {
	p, err := messaging.NewProcessor(r.module.Consumers[0], r.db)
	if err != nil {
		return err
	}
	for _, outcome := range p.Process(r.t.Context(), messages) {
		if outcome.Action != messaging.Ack {
			return fmt.Errorf("not acknowledged: %w", outcome.Err)
		}
	}
	return nil
}

func (r *replica) as(role identity.Role, id string) notificationv1connect.NotificationServiceClient {
	r.t.Helper()
	client, url := r.Client(r.name)
	return notificationv1connect.NewNotificationServiceClient(client, url, r.As(role, id))
}

// publish stores an event in its stream.
func (s *shop) publish(msg proto.Message) {
	s.t.Helper()
	js, err := jetstream.New(s.nats)
	require.NoError(s.t, err)
	require.NoError(s.t, messaging.Publish(s.t.Context(), js, "test", newID(), msg))
}

// cartChanged says what the cart service says once a cart's projection changed.
func (s *shop) cartChanged(id string) {
	s.t.Helper()
	require.NoError(s.t, s.nats.Publish("taproom.wake.cart."+id, nil))
}

// live is an open stream.
type live struct {
	t      *testing.T
	stream *connect.ServerStreamForClient[notificationv1.SubscribeResponse]
}

// subscribe opens a stream and answers it with the last number that the first heartbeat names.
func subscribe(t *testing.T, client notificationv1connect.NotificationServiceClient, after *int64, topics ...notificationv1.Topic) (live, int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Subscribe(ctx, &notificationv1.SubscribeRequest{AfterNumber: after, Topics: topics})
	require.NoError(t, err)
	l := live{t, stream}
	t.Cleanup(func() {
		cancel()
		_ = stream.Close()
	})
	require.True(t, stream.Receive(), "%v", stream.Err())
	require.NotNil(t, stream.Msg().GetHeartbeat(), "a heartbeat says that the stream is connected")
	return l, stream.Msg().GetHeartbeat().GetLastNumber()
}

// next is the next thing told, which must come without the help of a heartbeat.
func (l live) next() *notificationv1.Notification {
	l.t.Helper()
	begun := time.Now()
	require.True(l.t, l.stream.Receive(), "%v", l.stream.Err())
	require.Less(l.t, time.Since(begun), soon)
	require.NotNil(l.t, l.stream.Msg().GetNotification())
	return l.stream.Msg().GetNotification()
}

func messageOf(t testing.TB, msg proto.Message) messaging.Message {
	t.Helper()
	subject, err := event.Subject(msg)
	require.NoError(t, err)
	data, err := proto.Marshal(msg)
	require.NoError(t, err)
	return messaging.Message{
		Subject: subject, Data: data, Stream: messaging.StreamOrders, Time: time.Now(), Deliveries: 1,
		Header: map[string][]string{messaging.HeaderID: {newID()}, messaging.HeaderType: {event.Type(msg)}},
	}
}

func placed(user string) *eventv1.OrderPlaced {
	return &eventv1.OrderPlaced{OrderId: newID(), UserId: user, Version: 1}
}

func requireFault(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)), "%v", err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
