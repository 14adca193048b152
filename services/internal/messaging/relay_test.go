package messaging_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func relay(t testing.TB, conn *nats.Conn, db *database.DB) (stop func()) {
	t.Helper()
	r := messaging.Relay{Service: "test", DB: db, NATS: conn, Log: slog.New(slog.DiscardHandler)}
	return start(t, r.Run)
}

func write(t testing.TB, db *database.DB, msgs ...proto.Message) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return journal.Append(ctx, tx, msgs...)
	}))
}

func unpublished(t testing.TB, db *database.DB) int64 {
	t.Helper()
	pending, _, err := journal.OutboxAge(t.Context(), db, db.Now())
	require.NoError(t, err)
	return pending
}

// stored returns what a stream holds, in order.
func (b *broker) stored(t testing.TB, stream string) []*jetstream.RawStreamMsg {
	t.Helper()
	s, err := b.js.Stream(t.Context(), stream)
	require.NoError(t, err)
	var all []*jetstream.RawStreamMsg
	for n := s.CachedInfo().State.FirstSeq; n <= s.CachedInfo().State.LastSeq; n++ {
		msg, err := s.GetMsg(t.Context(), n)
		require.NoError(t, err)
		all = append(all, msg)
	}
	return all
}

func TestRelayPublishesTheOutboxInOrderForEachAggregate(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		before := time.Now().Add(-time.Second)
		relay(t, b.conn, db)
		const orders, versions = 40, 15 // more than one batch
		for v := range versions {
			msgs := make([]proto.Message, orders)
			for i := range msgs {
				msgs[i] = &eventv1.OrderProgressed{OrderId: placed(i).OrderId, Version: int64(v + 1)}
			}
			write(t, db, msgs...)
		}
		require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
		last := map[string]int64{}
		ids := map[string]bool{}
		for _, raw := range b.stored(t, messaging.StreamOrders) {
			var msg eventv1.OrderProgressed
			require.NoError(t, proto.Unmarshal(raw.Data, &msg))
			require.Equal(t, last[msg.OrderId]+1, msg.Version)
			last[msg.OrderId] = msg.Version
			ids[raw.Header.Get(nats.MsgIdHdr)] = true
			require.Equal(t, raw.Header.Get(nats.MsgIdHdr), raw.Header.Get(messaging.HeaderID))
			require.Equal(t, "taproom.order.progressed."+msg.OrderId, raw.Subject)
			require.Equal(t, "taproom.event.v1.OrderProgressed", raw.Header.Get(messaging.HeaderType))
			require.Equal(t, "taproom/test", raw.Header.Get(messaging.HeaderSource))
			require.Equal(t, msg.OrderId, raw.Header.Get(messaging.HeaderSubject))
			require.Equal(t, "1.0", raw.Header.Get(messaging.HeaderSpecVersion))
			at, err := time.Parse(time.RFC3339Nano, raw.Header.Get(messaging.HeaderTime))
			require.NoError(t, err)
			require.WithinRange(t, at, before, time.Now().Add(time.Second))
		}
		require.Len(t, ids, orders*versions)
		require.Len(t, last, orders)
	})
}

func TestTraceGoesThroughTheOutboxToTheHandler(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		relay(t, b.conn, db)
		seen := make(chan trace.SpanContext, 1)
		consume(t, b, db, orderConsumer("test-orders", messaging.On(func(ctx context.Context, _ *database.Tx, _ messaging.Event, _ *eventv1.OrderPlaced) error {
			seen <- trace.SpanContextFromContext(ctx)
			return nil
		})))
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}, TraceFlags: trace.FlagsSampled})
		require.NoError(t, db.Tx(trace.ContextWithSpanContext(t.Context(), span), func(ctx context.Context, tx *database.Tx) error {
			return journal.Append(ctx, tx, placed(1))
		}))
		select {
		case got := <-seen:
			require.Equal(t, span.TraceID(), got.TraceID())
			require.True(t, got.IsSampled())
		case <-time.After(patience):
			require.Fail(t, "the event did not arrive")
		}
	})
}

func TestCrashBetweenPublishingAndMarkingDoublesNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		for i := range 20 {
			write(t, db, placed(i))
		}
		for range 3 {
			stop := relay(t, b.conn, db)
			require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
			stop()
			forget(t, db) // the mark was lost
		}
		relay(t, b.conn, db)
		require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
		require.EqualValues(t, 20, b.messages(t, messaging.StreamOrders))

		// When the stream has forgotten the ids as well, the inbox still knows them.
		consume(t, b, db, orderConsumer("test-orders", messaging.On(countPlaced)))
		b.settled(t, messaging.StreamOrders, "test-orders")
		for _, raw := range b.stored(t, messaging.StreamOrders) {
			header := nats.Header{messaging.HeaderID: raw.Header.Values(messaging.HeaderID)}
			_, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: raw.Subject, Header: header, Data: raw.Data})
			require.NoError(t, err)
		}
		require.EqualValues(t, 40, b.messages(t, messaging.StreamOrders))
		b.settled(t, messaging.StreamOrders, "test-orders")
		require.Len(t, aggregates(t, db), 20)
	})
}

// forget makes published events unpublished again.
func forget(t *testing.T, db *database.DB) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE outbox SET published_at = NULL")
		return err
	}))
}

func TestOneRelayWorksAndAnotherTakesOver(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		stops := []func(){}
		for range 3 {
			conn, _ := b.connect(t)
			stops = append(stops, relay(t, conn, db))
		}
		n := 0
		for _, stop := range stops {
			for range 10 {
				write(t, db, placed(n))
				n++
			}
			require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
			stop()
		}
		require.EqualValues(t, n, b.messages(t, messaging.StreamOrders))
	})
}

func TestRelayIsWokenByACommit(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	relay(t, b.conn, db)
	arrived := make(chan time.Time, 1)
	_, err := b.conn.Subscribe("taproom.order.>", func(*nats.Msg) { arrived <- time.Now() })
	require.NoError(t, err)
	require.NoError(t, b.conn.Flush())
	var delays []time.Duration
	for i := range 20 {
		begun := time.Now()
		write(t, db, placed(i))
		delays = append(delays, (<-arrived).Sub(begun))
	}
	slices.Sort(delays)
	t.Logf("write to published: median %v, worst %v", delays[10], delays[19])
	require.Less(t, delays[10], 200*time.Millisecond) // a sweep comes each second
}

func TestStandbyWakesTheRelayThatWorks(t *testing.T) {
	b := newBroker(t)
	url := "sqlite://" + filepath.Join(t.TempDir(), "shared.db")
	open := func() *database.DB { // one handle for each replica
		db, err := database.Open(t.Context(), database.Config{URL: url})
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	working, standby := open(), open()
	require.NoError(t, database.Migrate(t.Context(), working, migrations...))
	relay(t, b.conn, working)
	write(t, working, placed(0))
	require.Eventually(t, func() bool { return unpublished(t, working) == 0 }, patience, tick)
	woken := make(chan struct{}, 1)
	_, err := b.conn.Subscribe(messaging.WakeSubject("test"), func(*nats.Msg) { woken <- struct{}{} })
	require.NoError(t, err)
	require.NoError(t, b.conn.Flush())
	conn, _ := b.connect(t)
	relay(t, conn, standby)
	write(t, standby, placed(1))
	select {
	case <-woken:
	case <-time.After(patience):
		require.Fail(t, "nobody was woken")
	}
	require.Eventually(t, func() bool { return unpublished(t, working) == 0 }, patience, tick)
}

func TestUnpublishableEventIsSetAsideAlone(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		huge := placed(1)
		huge.UserId = strings.Repeat("x", 2<<20)
		write(t, db, placed(0), huge, placed(2))
		write(t, db, &eventv1.OrderProgressed{OrderId: placed(1).OrderId, Version: 2})
		relay(t, b.conn, db)
		require.Eventually(t, func() bool { return unpublished(t, db) == 2 }, patience, tick)
		require.EqualValues(t, 2, b.messages(t, messaging.StreamOrders))
		var aside []journal.Record
		require.Eventually(t, func() bool {
			var err error
			aside, err = journal.SetAside(t.Context(), db, 10)
			return err == nil && len(aside) == 1
		}, patience, tick)
		require.Equal(t, "order-001", aside[0].Aggregate)
		require.Contains(t, aside[0].LastError, "larger than the broker takes")

		// Somebody mends it: the later event follows.
		data, err := proto.Marshal(placed(1))
		require.NoError(t, err)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE outbox SET payload = ? WHERE id = ?", data, aside[0].ID)
			return err
		}))
		require.NoError(t, journal.Restore(t.Context(), db, []string{aside[0].ID}))
		require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
		stored := b.stored(t, messaging.StreamOrders)
		require.Equal(t, "taproom.order.placed.order-001", stored[2].Subject)
		require.Equal(t, "taproom.order.progressed.order-001", stored[3].Subject)
	})
}

func TestEventsWithoutTheirStreamWait(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := emptyBroker(t)
		_, err := b.js.CreateStream(t.Context(), messaging.Streams()[0])
		require.NoError(t, err)
		write(t, db, &eventv1.PaymentAuthorized{OrderId: "o", PaymentId: "p"}, &eventv1.PaymentCaptured{OrderId: "o", PaymentId: "p"})
		write(t, db, placed(1))
		relay(t, b.conn, db)
		require.Eventually(t, func() bool { return unpublished(t, db) == 2 }, patience, tick)
		require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
		require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
		stored := b.stored(t, messaging.StreamPayments)
		require.Len(t, stored, 2)
		require.Equal(t, "taproom.payment.authorized.o", stored[0].Subject)
	})
}

func TestRelayOutlivesTheBroker(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	conn, _ := b.connect(t)
	relay(t, conn, db)
	write(t, db, placed(0))
	require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
	require.NoError(t, conn.ForceReconnect())
	for i := range 50 {
		write(t, db, placed(i+1))
	}
	require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
	require.EqualValues(t, 51, b.messages(t, messaging.StreamOrders))
}
