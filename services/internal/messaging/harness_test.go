package messaging_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

const patience, tick = 20 * time.Second, 5 * time.Millisecond

// effects is what the handlers under test write to: one row for each time that they ran and were committed.
var effects = database.Migrations{Name: "effects", FS: fstest.MapFS{
	"sqlite/00001_effects.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE effects (n INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, aggregate TEXT NOT NULL);\n")},
	"postgres/00001_effects.sql": {Data: []byte("-- +goose Up\nCREATE TABLE effects (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id TEXT NOT NULL, aggregate TEXT NOT NULL);\n")},
}}

var migrations = []database.Migrations{journal.Migrations, effects}

func onEachDatabase(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	databasetest.Each(t, migrations, test)
}

// count is the effect that most tests want: one row.
func count(ctx context.Context, tx *database.Tx, ev messaging.Event) error {
	_, err := tx.Exec(ctx, "INSERT INTO effects (event_id, aggregate) VALUES (?, ?)", ev.ID, ev.AggregateID())
	return err
}

func countPlaced(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.OrderPlaced) error {
	return count(ctx, tx, ev)
}

// aggregates returns the effects in the order that they were made.
func aggregates(t testing.TB, db *database.DB) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT aggregate FROM effects ORDER BY n")
	require.NoError(t, err)
	defer rows.Close()
	all := []string{}
	for rows.Next() {
		var one string
		require.NoError(t, rows.Scan(&one))
		all = append(all, one)
	}
	require.NoError(t, rows.Err())
	return all
}

// broker is a real NATS server in this process with the shop's streams.
type broker struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func newBroker(t testing.TB) *broker {
	t.Helper()
	b := emptyBroker(t)
	require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
	return b
}

func emptyBroker(t testing.TB) *broker {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	require.True(t, srv.ReadyForConnections(patience))
	b := &broker{server: srv}
	b.conn, b.js = b.connect(t)
	return b
}

func (b *broker) connect(t testing.TB) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(b.server))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return conn, js
}

// publish stores an event under an id, whatever the stream thinks of repeats.
func (b *broker) publish(t testing.TB, id string, msg proto.Message) {
	t.Helper()
	_, err := b.js.PublishMsg(t.Context(), natsMessage(t, id, msg))
	require.NoError(t, err)
}

func natsMessage(t testing.TB, id string, msg proto.Message) *nats.Msg {
	t.Helper()
	subject, err := event.Subject(msg)
	require.NoError(t, err)
	data, err := proto.Marshal(msg)
	require.NoError(t, err)
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		messaging.HeaderID:   {id},
		messaging.HeaderType: {string(msg.ProtoReflect().Descriptor().FullName())},
		messaging.HeaderTime: {"2026-01-02T03:04:05.678Z"},
	}}
}

func (b *broker) messages(t testing.TB, stream string) uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), stream)
	require.NoError(t, err)
	return s.CachedInfo().State.Msgs
}

// settled waits until a consumer has answered for every message of its stream and of its replays.
func (b *broker) settled(t testing.TB, stream, name string) {
	t.Helper()
	for _, s := range []string{stream, messaging.StreamReplay} {
		require.Eventually(t, func() bool {
			c, err := b.js.Consumer(t.Context(), s, name)
			return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
		}, patience, tick, "%s on %s has messages left", name, s)
	}
}

// start runs fn until the test ends or stop is called, which returns once fn has returned.
func start(t testing.TB, fn func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(patience):
			require.FailNow(t, "it does not stop")
		}
	}
	t.Cleanup(stop)
	return stop
}

func runner(b *broker, db *database.DB) messaging.Runner {
	return messaging.Runner{JetStream: b.js, DB: db, Log: slog.New(slog.DiscardHandler)}
}

func consume(t testing.TB, b *broker, db *database.DB, c messaging.Consumer) (stop func()) {
	t.Helper()
	return start(t, func(ctx context.Context) error { return runner(b, db).Consume(ctx, c) })
}

func orderConsumer(name string, routes ...messaging.Route) messaging.Consumer {
	return messaging.Consumer{
		Name: name, Stream: messaging.StreamOrders, Routes: routes,
		Backoff: messaging.Backoff{Base: time.Millisecond, Cap: 20 * time.Millisecond},
	}
}

func placed(n int) *eventv1.OrderPlaced {
	return &eventv1.OrderPlaced{OrderId: fmt.Sprintf("order-%03d", n), Version: 1}
}

func eventID(n int) string { return fmt.Sprintf("event-%03d", n) }

func openSQLite(t testing.TB) *database.DB {
	t.Helper()
	return databasetest.SQLite(t, migrations...)
}
