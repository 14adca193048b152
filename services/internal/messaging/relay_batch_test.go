package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"github.com/synadia-io/orbit.go/jetstreamext"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// progressed makes events of several orders, in turns, with growing versions.
func progressed(orders, versions int) (msgs []proto.Message) {
	for v := range versions {
		for i := range orders {
			msgs = append(msgs, &eventv1.OrderProgressed{OrderId: placed(i).OrderId, Version: int64(v + 1)})
		}
	}
	return msgs
}

// batches counts a stream's messages by the batch that brought them; those that came alone are under "".
func (b *broker) batches(t *testing.T, stream string) map[string]int {
	t.Helper()
	sizes := map[string]int{}
	for _, raw := range b.stored(t, stream) {
		sizes[raw.Header.Get(jetstreamext.BatchIDHeader)]++
	}
	return sizes
}

func published(t *testing.T, db *database.DB) {
	t.Helper()
	require.Eventually(t, func() bool { return unpublished(t, db) == 0 }, patience, tick)
}

func TestEventsOfAStreamAreStoredAsOneBatchInOrder(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		msgs := progressed(10, 5)
		write(t, db, msgs...)
		relay(t, b.conn, db)
		published(t, db)
		stored := b.stored(t, messaging.StreamOrders)
		require.Len(t, stored, len(msgs))
		for i, raw := range stored {
			var msg eventv1.OrderProgressed
			require.NoError(t, proto.Unmarshal(raw.Data, &msg))
			require.True(t, proto.Equal(msgs[i], &msg), "message %d", i)
		}
		sizes := b.batches(t, messaging.StreamOrders)
		require.Len(t, sizes, 1)
		require.NotContains(t, sizes, "")
	})
}

func TestFewEventsAreStoredOneByOne(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	write(t, db, progressed(3, 2)...)
	relay(t, b.conn, db)
	published(t, db)
	require.Equal(t, map[string]int{"": 6}, b.batches(t, messaging.StreamOrders))
}

func TestBatchWithStoredEventsLosesAndDoublesNothing(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		write(t, db, progressed(2, 1)...)
		stop := relay(t, b.conn, db)
		published(t, db)
		stop()
		forget(t, db) // the mark was lost
		write(t, db, progressed(20, 2)...)
		relay(t, b.conn, db)
		published(t, db)
		require.EqualValues(t, 42, b.messages(t, messaging.StreamOrders))
		ids := map[string]bool{}
		for _, raw := range b.stored(t, messaging.StreamOrders) {
			ids[raw.Header.Get(nats.MsgIdHdr)] = true
		}
		require.Len(t, ids, 42)
	})
}

func TestBatchWhoseMarkWasLostIsNotStoredAgain(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		write(t, db, progressed(20, 3)...)
		for range 3 {
			stop := relay(t, b.conn, db)
			published(t, db)
			stop()
			forget(t, db)
		}
		relay(t, b.conn, db)
		published(t, db)
		require.EqualValues(t, 60, b.messages(t, messaging.StreamOrders))
	})
}

func TestEventAtFaultInABatchIsSetAsideAlone(t *testing.T) {
	for name, size := range map[string]int{"too large for the server": 2 << 20, "too large for the stream": 64 << 10} {
		t.Run(name, func(t *testing.T) {
			b, db := newBroker(t), openSQLite(t)
			stream, err := b.js.Stream(t.Context(), messaging.StreamOrders)
			require.NoError(t, err)
			config := stream.CachedInfo().Config
			config.MaxMsgSize = 32 << 10
			_, err = b.js.UpdateStream(t.Context(), config)
			require.NoError(t, err)

			msgs := progressed(20, 1)
			huge := placed(7)
			huge.UserId = strings.Repeat("x", size)
			write(t, db, append(msgs[:7:7], append([]proto.Message{huge}, msgs[7:]...)...)...)
			relay(t, b.conn, db)
			require.Eventually(t, func() bool { return unpublished(t, db) == 2 }, patience, tick)
			var waiting []journal.Record
			require.Eventually(t, func() bool {
				waiting, err = journal.Pending(t.Context(), db, 10)
				aside, asideErr := journal.SetAside(t.Context(), db, 10)
				waiting = append(waiting, aside...)
				return err == nil && asideErr == nil && len(waiting) > 0 && waiting[0].Attempts > 0
			}, patience, tick)
			for _, e := range waiting {
				require.Equal(t, "order-007", e.Aggregate)
			}
			require.EqualValues(t, 19, b.messages(t, messaging.StreamOrders))

			// What comes next travels as a batch, without the event at fault when it is tried again meanwhile.
			write(t, db, progressed(7, 2)...)
			require.Eventually(t, func() bool { return unpublished(t, db) == 2 }, patience, tick)
			require.Contains(t, slices.Collect(maps.Values(b.batches(t, messaging.StreamOrders))), 14)
		})
	}
}

func TestOneStreamMissingHoldsUpNoOther(t *testing.T) {
	b, db := emptyBroker(t), openSQLite(t)
	_, err := b.js.CreateStream(t.Context(), messaging.Streams()[0])
	require.NoError(t, err)
	var msgs []proto.Message
	for i := range 20 {
		msgs = append(msgs, placed(i), &eventv1.PaymentAuthorized{OrderId: fmt.Sprintf("other-%d", i), PaymentId: "p"})
	}
	write(t, db, msgs...)
	relay(t, b.conn, db)
	require.Eventually(t, func() bool { return unpublished(t, db) == 20 }, patience, tick)
	require.EqualValues(t, 20, b.messages(t, messaging.StreamOrders))
	require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
	published(t, db)
	require.EqualValues(t, 20, b.messages(t, messaging.StreamPayments))
}

func TestAnAggregateKeepsItsOrderAcrossStreams(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	var msgs []proto.Message
	for i := range 10 {
		msgs = append(msgs, &eventv1.OrderProgressed{OrderId: placed(i).OrderId, Version: 1})
	}
	for i := range 10 {
		msgs = append(msgs, &eventv1.PaymentAuthorized{OrderId: placed(i).OrderId, PaymentId: "p"})
	}
	for i := range 10 {
		msgs = append(msgs, &eventv1.OrderProgressed{OrderId: placed(i).OrderId, Version: 2})
	}
	write(t, db, msgs...)
	relay(t, b.conn, db)
	published(t, db)
	orders, payments := b.stored(t, messaging.StreamOrders), b.stored(t, messaging.StreamPayments)
	require.Len(t, orders, 20)
	require.Len(t, payments, 10)
	require.False(t, payments[0].Time.Before(orders[9].Time))
	require.False(t, orders[10].Time.Before(payments[9].Time))
}

// A copy that still named a batch would be taken for a part of one.
func TestCopiesOfAMessageOfABatchStandAlone(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	var mended atomic.Bool
	consume(t, b, db, orderConsumer("test-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.OrderProgressed) error {
		if ev.AggregateID() == "order-003" && !mended.Load() {
			return messaging.Permanent(errors.New("no"))
		}
		return count(ctx, tx, ev)
	})))
	write(t, db, progressed(10, 1)...)
	relay(t, b.conn, db)
	published(t, db)
	require.NotContains(t, b.batches(t, messaging.StreamOrders), "")
	letters := awaitDeadLetters(t, b, 0, 1)
	replays := make(chan nats.Header, 1)
	_, err := b.conn.Subscribe("taproom.dlq-replay.>", func(m *nats.Msg) { replays <- m.Header })
	require.NoError(t, err)
	require.NoError(t, b.conn.Flush())
	mended.Store(true)
	dead := b.stored(t, messaging.StreamDLQ)[0].Header
	require.NoError(t, messaging.Replay(t.Context(), b.js, letters[0]))
	for _, header := range []nats.Header{dead, <-replays} {
		for key := range header {
			require.False(t, strings.HasPrefix(key, "Nats-Batch"), key)
		}
	}
	require.Eventually(t, func() bool { return len(aggregates(t, db)) == 10 }, patience, tick)
}
