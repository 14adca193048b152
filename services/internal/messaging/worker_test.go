package messaging_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func packages(handle func(ctx context.Context, ev messaging.Event) error) messaging.Worker {
	return messaging.Worker{
		Name: "courier-packages", Stream: messaging.StreamPackages, Events: []proto.Message{(*eventv1.PackageReady)(nil)}, Handle: handle,
		Backoff: messaging.Backoff{Base: time.Millisecond, Cap: 20 * time.Millisecond},
	}
}

func work(t testing.TB, b *broker, w messaging.Worker) (stop func()) {
	t.Helper()
	return start(t, func(ctx context.Context) error { return runner(b, nil).Work(ctx, w) })
}

func parcel(id string) *eventv1.PackageReady { return &eventv1.PackageReady{PackageId: id} }

func TestWorkerKeepsAMessageForAsLongAsItTakes(t *testing.T) {
	b := newBroker(t)
	var runs atomic.Int32
	release := make(chan struct{})
	w := packages(func(_ context.Context, ev messaging.Event) error {
		runs.Add(1)
		require.Equal(t, "p1", ev.Message.(*eventv1.PackageReady).PackageId)
		<-release
		return nil
	})
	w.AckWait = 200 * time.Millisecond
	w.Concurrency = 3
	work(t, b, w)
	b.publish(t, "event", parcel("p1"))
	require.Eventually(t, func() bool { return runs.Load() == 1 }, patience, tick)
	require.Never(t, func() bool { return runs.Load() > 1 }, 5*w.AckWait, tick)
	require.EqualValues(t, 1, b.messages(t, messaging.StreamPackages))
	close(release)
	require.Eventually(t, func() bool { return b.messages(t, messaging.StreamPackages) == 0 }, patience, tick)
	require.EqualValues(t, 1, runs.Load())
}

func TestWorkerBoundsWhatItDoesAtOnce(t *testing.T) {
	b := newBroker(t)
	var running, done atomic.Int32
	release := make(chan struct{})
	w := packages(func(context.Context, messaging.Event) error {
		running.Add(1)
		<-release
		running.Add(-1)
		done.Add(1)
		return nil
	})
	w.Concurrency = 4
	work(t, b, w)
	for i := range 30 {
		b.publish(t, eventID(i), parcel(eventID(i)))
	}
	require.Eventually(t, func() bool { return running.Load() == 4 }, patience, tick)
	require.Never(t, func() bool { return running.Load() > 4 }, 300*time.Millisecond, tick)
	close(release)
	require.Eventually(t, func() bool { return b.messages(t, messaging.StreamPackages) == 0 }, patience, tick)
	require.EqualValues(t, 30, done.Load())
}

func TestStoppedWorkerHandsItsMessageOver(t *testing.T) {
	b := newBroker(t)
	started := make(chan string, 2)
	first := packages(func(ctx context.Context, _ messaging.Event) error {
		started <- "first"
		<-ctx.Done()
		return ctx.Err()
	})
	first.Concurrency = 8 // the seven that wait must not get what the eighth gives back
	stop := work(t, b, first)
	b.publish(t, "event", parcel("p1"))
	require.Equal(t, "first", <-started)
	stop()
	work(t, b, packages(func(_ context.Context, ev messaging.Event) error {
		require.Equal(t, "event", ev.ID)
		started <- "second"
		return nil
	}))
	select {
	case who := <-started:
		require.Equal(t, "second", who)
	case <-time.After(10 * time.Second): // far sooner than AckWait
		require.Fail(t, "nobody took over")
	}
	require.Eventually(t, func() bool { return b.messages(t, messaging.StreamPackages) == 0 }, patience, tick)
}

func TestWorkerSetsAsideWhatFailsAndTakesReplays(t *testing.T) {
	b := newBroker(t)
	var mended atomic.Bool
	var tries, handled atomic.Int32
	work(t, b, packages(func(_ context.Context, ev messaging.Event) error {
		if !mended.Load() {
			tries.Add(1)
			if tries.Load() == 1 {
				panic("even so")
			}
			return errors.New("no road")
		}
		handled.Add(1)
		return nil
	}))
	b.publish(t, "event", parcel("p1"))
	letters := awaitDeadLetters(t, b, 0, 1)
	require.Equal(t, "no road", letters[0].Error)
	require.Equal(t, "courier-packages", letters[0].Consumer)
	require.Equal(t, messaging.StreamPackages, letters[0].Stream)
	require.EqualValues(t, 8, tries.Load())
	require.Eventually(t, func() bool { return b.messages(t, messaging.StreamPackages) == 0 }, patience, tick)

	mended.Store(true)
	require.NoError(t, messaging.Replay(t.Context(), b.js, letters[0]))
	require.Eventually(t, func() bool { return handled.Load() == 1 }, patience, tick)
	require.Eventually(t, func() bool { return b.messages(t, messaging.StreamReplay) == 0 }, patience, tick)
}

func TestWorkerDeclarationsAreChecked(t *testing.T) {
	require.ErrorContains(t, messaging.Runner{}.Work(t.Context(), messaging.Worker{Name: "x"}), "needs a stream")
	noEvent := packages(func(context.Context, messaging.Event) error { return nil })
	noEvent.Events = []proto.Message{&eventv1.CartEvent{}}
	require.ErrorContains(t, messaging.Runner{}.Work(t.Context(), noEvent), "CartEvent")
}
