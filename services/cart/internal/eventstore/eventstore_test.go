package eventstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

const cartID = "01900000-0000-7000-8000-000000000001"

func broker(t *testing.T) *server.Server {
	t.Helper()
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(broker, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), js, 1))
	return broker
}

// replica is the event store of one process.
type replica struct {
	*eventstore.Store
	js *losing
}

func newReplica(t *testing.T, broker *server.Server) replica {
	t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(broker))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	lossy := &losing{JetStream: js}
	return replica{eventstore.New(lossy, conn, time.Now), lossy}
}

// losing is JetStream whose answers get lost when a test says so: the message is stored all the same.
type losing struct {
	jetstream.JetStream
	acks, rollups atomic.Int64 // how many more
}

func (l *losing) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := l.JetStream.PublishMsg(ctx, msg, opts...)
	left := &l.acks
	if msg.Header.Get(jetstream.MsgRollup) != "" {
		left = &l.rollups
	}
	if left.Load() > 0 && left.Add(-1) >= 0 {
		return nil, nats.ErrTimeout
	}
	return ack, err
}

func command(id string) domain.Command { return domain.Command{ID: id, Digest: "digest"} }

func (r replica) add(t *testing.T, id, beerID string, quantity int32) *domain.Cart {
	t.Helper()
	cart, err := r.Do(t.Context(), cartID, false, command(id), domain.Add(beerID, quantity))
	require.NoError(t, err)
	return cart
}

func (r replica) load(t *testing.T) *domain.Cart {
	t.Helper()
	cart, err := r.Load(t.Context(), cartID)
	require.NoError(t, err)
	return cart
}

// kept is how many messages the stream holds.
func (r replica) kept(t *testing.T) uint64 {
	t.Helper()
	stream, err := r.js.Stream(t.Context(), messaging.StreamCarts)
	require.NoError(t, err)
	return stream.CachedInfo().State.Msgs
}

// requireSame checks that replicas agree, also one that has just started.
func requireSame(t *testing.T, broker *server.Server, replicas ...replica) *domain.Cart {
	t.Helper()
	fresh := newReplica(t, broker).load(t)
	for i, r := range replicas {
		cart := r.load(t)
		require.True(t, proto.Equal(fresh.Snapshot(), cart.Snapshot()), "replica %d has\n%v\nand the stream\n%v", i, cart.Snapshot(), fresh.Snapshot())
		require.Equal(t, fresh.UpdatedAt, cart.UpdatedAt)
	}
	return fresh
}

func TestManyWritersLoseNothing(t *testing.T) {
	for replicas := 1; replicas <= 2; replicas++ {
		t.Run(fmt.Sprint(replicas, " processes"), func(t *testing.T) {
			broker := broker(t)
			stores := []replica{newReplica(t, broker), newReplica(t, broker)}[:replicas]
			var writers errgroup.Group
			for i := range 100 {
				writers.Go(func() error {
					_, err := stores[i%replicas].Do(t.Context(), cartID, false, command(fmt.Sprint(i)), domain.Add("beer", 1))
					return err
				})
			}
			require.NoError(t, writers.Wait())
			cart := requireSame(t, broker, stores...)
			require.EqualValues(t, 100, cart.Version)
			require.EqualValues(t, 100, cart.Quantity("beer"))
			require.Less(t, stores[0].kept(t), uint64(100), "a snapshot replaced what came before it")
		})
	}
}

func TestTwoProcessesCarryACommandOutOnce(t *testing.T) {
	broker := broker(t)
	a, b := newReplica(t, broker), newReplica(t, broker)
	var writers errgroup.Group
	for i := range 40 {
		writers.Go(func() error {
			_, err := []replica{a, b}[i%2].Do(t.Context(), cartID, false, command(fmt.Sprint(i/4)), domain.Add("beer", 1))
			return err
		})
	}
	require.NoError(t, writers.Wait())
	require.EqualValues(t, 10, requireSame(t, broker, a, b).Quantity("beer"))
}

func TestALostAcknowledgement(t *testing.T) {
	broker := broker(t)
	a, b := newReplica(t, broker), newReplica(t, broker)
	a.add(t, "first", "beer", 1)
	for name, retry := range map[string]replica{"at the same process": a, "at another one": b} {
		t.Run(name, func(t *testing.T) {
			a.js.acks.Store(math.MaxInt32)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := a.Do(ctx, cartID, false, command(name), domain.Add(name, 5))
			require.Equal(t, "CART_UNAVAILABLE", fault.ReasonOf(err))
			a.js.acks.Store(0)
			require.EqualValues(t, 5, retry.add(t, name, name, 5).Quantity(name))
			_, err = retry.Do(t.Context(), cartID, false, domain.Command{ID: name, Digest: "other"}, domain.Add(name, 6))
			require.Equal(t, "REQUEST_ID_REUSED", fault.ReasonOf(err))
		})
	}
	require.EqualValues(t, 3, requireSame(t, broker, a, b).Version)
}

func TestAnAppendIsTriedAgainUntilItIsAcknowledged(t *testing.T) {
	broker := broker(t)
	a := newReplica(t, broker)
	a.add(t, "first", "beer", 1)
	a.js.acks.Store(3)
	require.EqualValues(t, 6, a.add(t, "second", "beer", 5).Quantity("beer"))
	require.EqualValues(t, 2, requireSame(t, broker, a).Version)
}

func TestCompaction(t *testing.T) {
	broker := broker(t)
	a, b := newReplica(t, broker), newReplica(t, broker)
	a.add(t, "0", "beer", 1)
	require.EqualValues(t, 1, b.load(t).Version)
	for i := 1; i < 150; i++ {
		a.add(t, fmt.Sprint(i), fmt.Sprint("beer", i%7), 1)
	}
	require.Less(t, a.kept(t), uint64(80))

	t.Run("a process with an old view goes on", func(t *testing.T) {
		cart := b.add(t, "of b", "beer", 1)
		require.EqualValues(t, 151, cart.Version)
		require.EqualValues(t, 2, cart.Quantity("beer"))
	})
	t.Run("commands from before the snapshot are remembered", func(t *testing.T) {
		for _, r := range []replica{a, b, newReplica(t, broker)} {
			r.add(t, "0", "beer", 1)
			_, err := r.Do(t.Context(), cartID, false, domain.Command{ID: "1", Digest: "other"}, domain.Reset())
			require.Equal(t, "REQUEST_ID_REUSED", fault.ReasonOf(err))
		}
	})
	require.EqualValues(t, 151, requireSame(t, broker, a, b).Version)
}

func TestASnapshotWhoseAcknowledgementIsLost(t *testing.T) {
	broker := broker(t)
	a := newReplica(t, broker)
	a.js.rollups.Store(1)
	for i := range 70 {
		require.EqualValues(t, i+1, a.add(t, fmt.Sprint(i), "beer", 1).Version)
	}
	require.EqualValues(t, 7, a.kept(t), "the snapshot of 64 events and 6 more")
	require.EqualValues(t, 70, requireSame(t, broker, a).Quantity("beer"))
}

func TestAPurgedCartBeginsAnew(t *testing.T) {
	broker := broker(t)
	a, b := newReplica(t, broker), newReplica(t, broker)
	for i := range 5 {
		a.add(t, fmt.Sprint(i), "beer", 1)
	}
	recorded, err := a.Read(t.Context(), cartID, 0)
	require.NoError(t, err)
	require.EqualValues(t, 5, b.load(t).Version)
	require.NoError(t, a.Purge(t.Context(), cartID))
	for _, r := range []replica{a, b} {
		cart, err := r.LoadSince(t.Context(), cartID, recorded[4].Sequence)
		require.NoError(t, err, "it does not wait for what is gone")
		require.Zero(t, cart.Version)
		require.Empty(t, cart.Items)
	}
	require.EqualValues(t, 1, b.add(t, "anew", "beer", 2).Version)
	require.EqualValues(t, 2, requireSame(t, broker, a, b).Quantity("beer"))
}

func TestAnOldViewRefusesNothing(t *testing.T) {
	broker := broker(t)
	a, b := newReplica(t, broker), newReplica(t, broker)
	b.add(t, "1", "other", 1)
	a.add(t, "2", "beer", 1)
	cart, err := b.Do(t.Context(), cartID, false, command("3"), domain.Remove("beer"))
	require.NoError(t, err, "b has not heard of the beer")
	require.Zero(t, cart.Quantity("beer"))
	a.add(t, "4", "beer", domain.MaxQuantity)
	_, err = b.Do(t.Context(), cartID, false, command("5"), domain.Add("beer", 1))
	require.Equal(t, "QUANTITY_TOO_LARGE", fault.ReasonOf(err))
}

func TestEventsSayWhatTheyAre(t *testing.T) {
	broker := broker(t)
	a := newReplica(t, broker)
	a.add(t, "1", "beer", 1)
	stream, err := a.js.Stream(t.Context(), messaging.StreamCarts)
	require.NoError(t, err)
	msg, err := stream.GetLastMsgForSubject(t.Context(), eventstore.Subject(cartID))
	require.NoError(t, err)
	require.Equal(t, "item_added", msg.Header.Get(eventstore.HeaderType))
	require.Equal(t, "taproom.event.v1.CartEvent", msg.Header.Get(messaging.HeaderType))
	require.True(t, strings.HasPrefix(msg.Header.Get(messaging.HeaderID), cartID+":1"))
}
