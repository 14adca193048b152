package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func TestConsumerHandlesEveryEventOnce(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		consume(t, b, db, orderConsumer("test-orders", messaging.On(countPlaced)))
		for i := range 250 {
			b.publish(t, eventID(i), placed(i))
			if i%5 == 0 { // published again after a crash and after the stream forgot the id
				b.publish(t, eventID(i), placed(i))
			}
		}
		b.publish(t, "other", &eventv1.OrderPaid{OrderId: "not-routed"})
		b.settled(t, messaging.StreamOrders, "test-orders")
		seen := aggregates(t, db)
		require.Len(t, seen, 250)
		slices.Sort(seen)
		require.Len(t, slices.Compact(seen), 250)
	})
}

func TestSingleMessageIsHandledAsItArrives(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	handled := make(chan time.Time, 1)
	consume(t, b, db, orderConsumer("test-orders", messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error {
		handled <- time.Now()
		return nil
	})))
	var delays []time.Duration
	for i := range 50 {
		sent := time.Now()
		b.publish(t, eventID(i), placed(i))
		delays = append(delays, (<-handled).Sub(sent))
	}
	slices.Sort(delays)
	t.Logf("publish to handler: median %v, worst %v", delays[25], delays[49])
	require.Less(t, delays[25], 50*time.Millisecond) // a poll would take far longer; the bench measures what it really takes
}

func TestMessageThatFailsOnceSucceedsLater(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		var failed sync.Map
		consume(t, b, db, orderConsumer("test-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.OrderPlaced) error {
			if err := count(ctx, tx, ev); err != nil {
				return err
			}
			if _, again := failed.LoadOrStore(ev.ID, true); !again {
				return errors.New("the first try always fails")
			}
			return nil
		})))
		for i := range 30 {
			b.publish(t, eventID(i), placed(i))
		}
		b.settled(t, messaging.StreamOrders, "test-orders")
		require.Len(t, aggregates(t, db), 30)
		require.Zero(t, b.messages(t, messaging.StreamDLQ))
	})
}

func TestDeadLetterIsReadAndReplayedToTheFailingConsumerAlone(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		var mended atomic.Bool
		var replayed atomic.Pointer[messaging.Event]
		consume(t, b, db, orderConsumer("failing-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
			if msg.OrderId == "order-002" && !mended.Load() {
				return fault.Internal("BROKEN", "It is\nbroken.")
			}
			if mended.Load() {
				replayed.Store(&ev)
			}
			return count(ctx, tx, ev)
		})))
		var others atomic.Int32
		consume(t, b, db, orderConsumer("other-orders", messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error {
			others.Add(1)
			return nil
		})))
		for i := range 5 {
			b.publish(t, eventID(i), placed(i))
		}
		require.Eventually(t, func() bool { return b.messages(t, messaging.StreamDLQ) == 1 }, patience, tick)
		b.settled(t, messaging.StreamOrders, "failing-orders")
		b.settled(t, messaging.StreamOrders, "other-orders")
		require.Equal(t, []string{"order-000", "order-001", "order-003", "order-004"}, aggregates(t, db))

		letters, err := messaging.ListDeadLetters(t.Context(), b.js, 0, 10)
		require.NoError(t, err)
		require.Len(t, letters, 1)
		letter, err := messaging.GetDeadLetter(t.Context(), b.js, letters[0].Sequence)
		require.NoError(t, err)
		require.Equal(t, letters[0], letter)
		require.Equal(t, "failing-orders", letter.Consumer)
		require.Equal(t, "taproom.order.placed.order-002", letter.Subject)
		require.Equal(t, messaging.StreamOrders, letter.Stream)
		require.EqualValues(t, 3, letter.StreamSequence)
		require.Equal(t, "BROKEN: It is broken.", letter.Error)
		require.Equal(t, "BROKEN", letter.Reason)
		require.Equal(t, 8, letter.Tries)
		require.Equal(t, "event-002", letter.EventID())
		require.Equal(t, "taproom.event.v1.OrderPlaced", letter.Type())
		require.Equal(t, "2026-01-02T03:04:05.678Z", letter.Header.Get(messaging.HeaderTime))
		decoded, err := letter.Message()
		require.NoError(t, err)
		require.Equal(t, "order-002", decoded.(*eventv1.OrderPlaced).OrderId)

		mended.Store(true)
		require.NoError(t, messaging.Replay(t.Context(), b.js, letter))
		require.NoError(t, messaging.Replay(t.Context(), b.js, letter)) // a second click
		b.settled(t, messaging.StreamOrders, "failing-orders")
		require.Equal(t, []string{"order-000", "order-001", "order-003", "order-004", "order-002"}, aggregates(t, db))
		ev := replayed.Load()
		require.Equal(t, "event-002", ev.ID)
		require.Equal(t, letter.Subject, ev.Subject)
		require.EqualValues(t, 3, ev.Sequence)
		require.Equal(t, 1, ev.Attempt)
		require.EqualValues(t, 5, others.Load())
		require.Zero(t, b.messages(t, messaging.StreamDLQ))
		require.Zero(t, b.messages(t, messaging.StreamReplay))
		_, err = messaging.GetDeadLetter(t.Context(), b.js, letter.Sequence)
		require.Equal(t, "DEAD_LETTER_NOT_FOUND", fault.ReasonOf(err))
	})
}

func TestReplayThatFailsAgainIsANewDeadLetter(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	consume(t, b, db, orderConsumer("test-orders", messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error {
		return messaging.Permanent(errors.New("never"))
	})))
	b.publish(t, "event", placed(1))
	letters := awaitDeadLetters(t, b, 0, 1)
	require.NoError(t, messaging.Replay(t.Context(), b.js, letters[0]))
	again := awaitDeadLetters(t, b, letters[0].Sequence, 1)
	require.Equal(t, letters[0].Subject, again[0].Subject)
	require.Equal(t, letters[0].StreamSequence, again[0].StreamSequence)
	require.Equal(t, "event", again[0].EventID())
	require.Equal(t, 1, again[0].Tries)

	require.NoError(t, messaging.Discard(t.Context(), b.js, again[0]))
	require.NoError(t, messaging.Discard(t.Context(), b.js, again[0]))
	require.Zero(t, b.messages(t, messaging.StreamDLQ))

	again[0].Consumer = "never-seen"
	require.Equal(t, "CONSUMER_UNKNOWN", fault.ReasonOf(messaging.Replay(t.Context(), b.js, again[0])))
}

func awaitDeadLetters(t *testing.T, b *broker, after uint64, n int) (letters []messaging.DeadLetter) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		letters, err = messaging.ListDeadLetters(t.Context(), b.js, after, 100)
		return err == nil && len(letters) == n
	}, patience, tick)
	return letters
}

func TestDeadLettersAreListedInPages(t *testing.T) {
	b := newBroker(t)
	for i := range 5 {
		_, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: fmt.Sprintf("taproom.dlq.consumer-%d", i)})
		require.NoError(t, err)
	}
	first, err := messaging.ListDeadLetters(t.Context(), b.js, 0, 2)
	require.NoError(t, err)
	require.Len(t, first, 2)
	rest, err := messaging.ListDeadLetters(t.Context(), b.js, first[1].Sequence, 100)
	require.NoError(t, err)
	require.Len(t, rest, 3)
	require.Equal(t, "consumer-4", rest[2].Consumer)
}

func TestCompensationNeverRunsOutOfTries(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		consume(t, b, db, orderConsumer("test-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.OrderPlaced) error {
			if ev.Attempt < 30 {
				return errors.New("not yet")
			}
			return count(ctx, tx, ev)
		}, messaging.Unlimited())))
		b.publish(t, "event", placed(1))
		require.Eventually(t, func() bool { return len(aggregates(t, db)) == 1 }, patience, tick)
		b.settled(t, messaging.StreamOrders, "test-orders")
		require.Zero(t, b.messages(t, messaging.StreamDLQ))
		require.Zero(t, b.messages(t, messaging.StreamReplay))
	})
}

func TestMessageThatHangsItsProcessEndsInTheDLQ(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	c := orderConsumer("test-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
		if msg.OrderId == "order-001" {
			<-ctx.Done()
			return ctx.Err()
		}
		return count(ctx, tx, ev)
	}))
	c.AckWait = 150 * time.Millisecond
	consume(t, b, db, c)
	for i := range 4 {
		b.publish(t, eventID(i), placed(i))
	}
	letters := awaitDeadLetters(t, b, 0, 1)
	require.Equal(t, "HANDLER_TOO_SLOW", letters[0].Reason)
	b.settled(t, messaging.StreamOrders, "test-orders")
	require.Len(t, aggregates(t, db), 3)
}

func TestConsumerGoesOnWhereItStopped(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		c := orderConsumer("test-orders", messaging.On(countPlaced))
		for i := range 300 {
			b.publish(t, eventID(i), placed(i))
		}
		for lives := 1; lives <= 4; lives++ {
			stop := consume(t, b, db, c)
			require.Eventually(t, func() bool { return len(aggregates(t, db)) >= min(lives*20, 300) }, patience, tick)
			stop()
		}
		consume(t, b, db, c)
		// Far sooner than AckWait: what a stopping consumer holds it gives back.
		require.Eventually(t, func() bool { return len(aggregates(t, db)) == 300 }, 10*time.Second, tick)
		b.settled(t, messaging.StreamOrders, "test-orders")
		require.Zero(t, b.messages(t, messaging.StreamDLQ))
	})
}

func TestWhoIsAloneDoesNotWaitForAProcessThatDied(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	c := orderConsumer("test-orders", messaging.On(countPlaced))
	c.AckWait = time.Hour // far longer than any test waits
	stop := consume(t, b, db, c)
	b.publish(t, eventID(20), placed(20))
	b.settled(t, messaging.StreamOrders, c.Name)
	stop()
	for i := range 20 {
		b.publish(t, eventID(i), placed(i))
	}
	dying, err := b.js.Consumer(t.Context(), messaging.StreamOrders, c.Name)
	require.NoError(t, err)
	handedOut, err := dying.Fetch(20)
	require.NoError(t, err)
	taken := 0
	for range handedOut.Messages() { // and never answered
		taken++
	}
	require.Equal(t, 20, taken)

	alone := runner(b, db)
	alone.Alone = true
	start(t, func(ctx context.Context) error { return alone.Consume(ctx, c) })
	b.settled(t, messaging.StreamOrders, c.Name)
	require.Len(t, aggregates(t, db), 21)
	after, err := b.js.Consumer(t.Context(), messaging.StreamOrders, c.Name)
	require.NoError(t, err)
	require.Equal(t, c.AckWait, after.CachedInfo().Config.AckWait, "from now on it is as declared")
}

func TestReplicasShareTheWork(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		c := orderConsumer("test-orders", messaging.On(countPlaced))
		for range 3 {
			consume(t, b, db, c)
		}
		for i := range 300 {
			b.publish(t, eventID(i), placed(i))
		}
		b.settled(t, messaging.StreamOrders, "test-orders")
		require.Len(t, aggregates(t, db), 300)
	})
}

func TestConsumerComesBackWhenTheServerForgetsIt(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	consume(t, b, db, orderConsumer("test-orders", messaging.On(countPlaced)))
	b.publish(t, eventID(1), placed(1))
	b.settled(t, messaging.StreamOrders, "test-orders")
	require.NoError(t, b.js.DeleteConsumer(t.Context(), messaging.StreamOrders, "test-orders"))
	b.publish(t, eventID(2), placed(2))
	require.Eventually(t, func() bool { return len(aggregates(t, db)) == 2 }, patience, tick)
	b.settled(t, messaging.StreamOrders, "test-orders")
	require.Len(t, aggregates(t, db), 2) // the stream was read again from its start
}

func TestConsumerWaitsForItsStream(t *testing.T) {
	b, db := emptyBroker(t), openSQLite(t)
	consume(t, b, db, orderConsumer("test-orders", messaging.On(countPlaced)))
	require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
	b.publish(t, "event", placed(1))
	require.Eventually(t, func() bool { return len(aggregates(t, db)) == 1 }, patience, tick)
}

func TestCartEventsAreRoutedBySubject(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	consume(t, b, db, messaging.Consumer{Name: "cart-carts", Stream: messaging.StreamCarts, Routes: []messaging.Route{
		messaging.OnSubject("taproom.cart.*", func(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.CartEvent) error {
			return count(ctx, tx, ev)
		}),
	}})
	// A snapshot replaces the subject's history; neither that nor its copy in the DLQ may act on other streams.
	for range 2 {
		_, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "taproom.cart.cart-1", Header: nats.Header{"Nats-Rollup": {"sub"}}})
		require.NoError(t, err)
	}
	_, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: "taproom.cart.cart-2", Header: nats.Header{"Nats-Rollup": {"sub"}}, Data: []byte{0xff}})
	require.NoError(t, err)
	letters := awaitDeadLetters(t, b, 0, 1)
	require.Equal(t, "EVENT_UNREADABLE", letters[0].Reason)
	require.Equal(t, "CARTS-3", letters[0].EventID())
	b.settled(t, messaging.StreamCarts, "cart-carts")
	require.Subset(t, []string{"cart-1", "cart-1"}, aggregates(t, db))
	require.NotEmpty(t, aggregates(t, db))
}

func TestOutageOfTheDatabaseCostsNoMessage(t *testing.T) {
	b, db := newBroker(t), openSQLite(t)
	c := orderConsumer("test-orders", messaging.On(countPlaced))
	c.AckWait = time.Second
	for i := range 250 {
		b.publish(t, eventID(i), placed(i))
	}
	// While somebody holds the only write connection nothing can be committed.
	release, held := make(chan struct{}), make(chan struct{})
	holding := start(t, func(ctx context.Context) error {
		return db.Tx(context.WithoutCancel(ctx), func(context.Context, *database.Tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	consume(t, b, db, c)
	require.Eventually(t, func() bool {
		live, err := b.js.Consumer(t.Context(), messaging.StreamOrders, "test-orders")
		return err == nil && live.CachedInfo().Delivered.Consumer > 0
	}, patience, tick)
	require.Never(t, func() bool { return b.messages(t, messaging.StreamDLQ) > 0 }, 4*c.AckWait, 10*tick)
	close(release)
	holding()
	require.Eventually(t, func() bool { return len(aggregates(t, db)) == 250 }, patience, tick)
	b.settled(t, messaging.StreamOrders, "test-orders")
	require.Zero(t, b.messages(t, messaging.StreamDLQ))
}

// A message kills the process each time that it is handled: nothing is committed or answered after it. It ends in the DLQ,
// and its neighbours, handed out as often as itself, don't.
func TestMessageThatKillsItsProcessEndsInTheDLQAlone(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		for i := range 12 {
			b.publish(t, eventID(i), placed(i))
		}
		deadLetters := func() uint64 { return b.messages(t, messaging.StreamDLQ) }
		lives := 0
		for ; deadLetters() == 0; lives++ {
			require.Less(t, lives, 20)
			conn, js := b.connect(t)
			killed := make(chan struct{})
			c := orderConsumer("test-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
				select {
				case <-killed:
					return errors.New("dead")
				default:
				}
				if msg.OrderId == "order-005" {
					close(killed)
					conn.Close()
					return errors.New("dead")
				}
				return count(ctx, tx, ev)
			}, messaging.Unlimited()))
			c.AckWait = 500 * time.Millisecond
			stop := start(t, func(ctx context.Context) error {
				return messaging.Runner{JetStream: js, DB: db, Log: slog.New(slog.DiscardHandler)}.Consume(ctx, c)
			})
			require.Eventually(t, func() bool {
				select {
				case <-killed:
					return true
				default:
					return deadLetters() > 0
				}
			}, patience, tick)
			stop()
		}
		require.Equal(t, 9, lives)
		letters := awaitDeadLetters(t, b, 0, 1)
		require.Equal(t, messaging.ErrUnfinished.Error(), letters[0].Error)
		require.Equal(t, eventID(5), letters[0].EventID())
		require.Len(t, aggregates(t, db), 11)
		b.settled(t, messaging.StreamOrders, "test-orders")
	})
}
