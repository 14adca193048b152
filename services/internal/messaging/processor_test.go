package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func message(t testing.TB, id string, msg proto.Message) messaging.Message {
	t.Helper()
	m := natsMessage(t, id, msg)
	return messaging.Message{Subject: m.Subject, Header: m.Header, Data: m.Data, Stream: messaging.StreamOrders, Sequence: 1, Deliveries: 1}
}

func placedMessages(t testing.TB, n int) []messaging.Message {
	t.Helper()
	msgs := make([]messaging.Message, n)
	for i := range msgs {
		msgs[i] = message(t, eventID(i), placed(i))
	}
	return msgs
}

func processor(t testing.TB, db *database.DB, routes ...messaging.Route) *messaging.Processor {
	t.Helper()
	p, err := messaging.NewProcessor(orderConsumer("test-orders", routes...), db)
	require.NoError(t, err)
	return p
}

func actions(outcomes []messaging.Outcome) []messaging.Action {
	all := make([]messaging.Action, len(outcomes))
	for i, o := range outcomes {
		all[i] = o.Action
	}
	return all
}

func TestEachEffectHappensOnceInOrder(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p := processor(t, db, messaging.On(countPlaced))
		msgs := placedMessages(t, 5)
		twice := append(slices.Clone(msgs), msgs...)
		for range 3 {
			require.Equal(t, make([]messaging.Action, 10), actions(p.Process(t.Context(), twice)))
		}
		require.Equal(t, []string{"order-000", "order-001", "order-002", "order-003", "order-004"}, aggregates(t, db))
		require.True(t, p.Takes(msgs[0].Subject))
		require.False(t, p.Takes("taproom.order.paid.order-000"))
	})
}

func TestAnyOrderAndRepetitionMakesTheSameEffects(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p := processor(t, db, messaging.On(countPlaced))
		msgs := placedMessages(t, 20)
		random := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			deliveries := make([]messaging.Message, 1+random.IntN(10))
			for i := range deliveries {
				deliveries[i] = msgs[random.IntN(len(msgs))]
			}
			ctx, cancel := context.WithCancel(t.Context())
			if random.IntN(3) == 0 {
				cancel() // a crash before the commit
			}
			p.Process(ctx, deliveries)
			cancel()
		}
		p.Process(t.Context(), msgs)
		seen := aggregates(t, db)
		slices.Sort(seen)
		require.Len(t, slices.Compact(seen), 20)
		require.Len(t, aggregates(t, db), 20)
	})
}

func TestOneBadMessageSparesItsBatch(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		healed := false
		p := processor(t, db, messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
			if err := count(ctx, tx, ev); err != nil {
				return err
			}
			if msg.OrderId == "order-002" && !healed {
				return errors.New("not this one")
			}
			return nil
		}))
		msgs := placedMessages(t, 5)
		outcomes := p.Process(t.Context(), msgs)
		require.Equal(t, []messaging.Action{messaging.Ack, messaging.Ack, messaging.Nak, messaging.Ack, messaging.Ack}, actions(outcomes))
		require.ErrorContains(t, outcomes[2].Err, "not this one")
		require.Positive(t, outcomes[2].Delay)
		require.Equal(t, []string{"order-000", "order-001", "order-003", "order-004"}, aggregates(t, db))

		healed = true
		msgs[2].Deliveries = 2
		require.Equal(t, []messaging.Action{messaging.Ack}, actions(p.Process(t.Context(), msgs[2:3])))
		require.Len(t, aggregates(t, db), 5)
	})
}

func TestHowFailuresEnd(t *testing.T) {
	unknown := errors.New("boom")
	cases := []struct {
		name    string
		err     error
		options []messaging.RouteOption
		ends    messaging.Action
		after   int // deliveries
	}{
		{"unknown error", unknown, nil, messaging.SetAside, 8},
		{"lost race", fault.Aborted("RACE", "Again."), nil, messaging.SetAside, 8},
		{"marked permanent", messaging.Permanent(unknown), nil, messaging.SetAside, 1},
		{"permanent kind", fault.FailedPrecondition("NO", "Never."), nil, messaging.SetAside, 1},
		{"away", fault.Unavailable("AWAY", "Later."), nil, messaging.Requeue, 4},
		{"connection", fmt.Errorf("asking: %w", nats.ErrConnectionClosed), nil, messaging.Requeue, 4},
		{"compensation", unknown, []messaging.RouteOption{messaging.Unlimited()}, messaging.Requeue, 4},
		{"compensation, permanent kind", fault.NotFound("NO", "No."), []messaging.RouteOption{messaging.Unlimited()}, messaging.Requeue, 4},
		{"compensation, marked permanent", messaging.Permanent(unknown), []messaging.RouteOption{messaging.Unlimited()}, messaging.SetAside, 1},
	}
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				p := processor(t, db, messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error { return c.err }, c.options...))
				msg := message(t, c.name, placed(1))
				for ; ; msg.Deliveries++ {
					outcome := p.Process(t.Context(), []messaging.Message{msg})[0]
					require.ErrorIs(t, outcome.Err, c.err)
					if outcome.Action != messaging.Nak {
						require.Equal(t, c.ends, outcome.Action)
						require.Equal(t, c.after, msg.Deliveries)
						return
					}
				}
			})
		}
	})
}

func TestDelaysGrowToTheirCap(t *testing.T) {
	p, err := messaging.NewProcessor(messaging.Consumer{Name: "test-orders", Stream: messaging.StreamOrders, Routes: []messaging.Route{
		messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error {
			return errors.New("no")
		}),
	}}, openSQLite(t))
	require.NoError(t, err)
	for deliveries, around := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 300 * time.Millisecond, 3: 900 * time.Millisecond, 7: 30 * time.Second} {
		msg := message(t, "e", placed(1))
		msg.Deliveries = deliveries
		require.InDelta(t, around, p.Process(t.Context(), []messaging.Message{msg})[0].Delay, float64(around)/4+1)
	}
}

func TestPanicIsAFailureOfItsMessageAlone(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p := processor(t, db, messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
			if msg.OrderId == "order-001" {
				panic("poison")
			}
			return count(ctx, tx, ev)
		}))
		outcomes := p.Process(t.Context(), placedMessages(t, 3))
		require.Equal(t, []messaging.Action{messaging.Ack, messaging.Nak, messaging.Ack}, actions(outcomes))
		require.ErrorContains(t, outcomes[1].Err, "poison")
	})
}

func TestMessageThatKillsTheProcessIsSetAsideUnseen(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p := processor(t, db, messaging.On(countPlaced, messaging.Unlimited()))
		msgs := placedMessages(t, 3)
		msgs[1].Deliveries = 9
		outcomes := p.Process(t.Context(), msgs)
		require.Equal(t, []messaging.Action{messaging.Ack, messaging.SetAside, messaging.Ack}, actions(outcomes))
		require.ErrorIs(t, outcomes[1].Err, messaging.ErrUnfinished)
		require.Equal(t, []string{"order-000", "order-002"}, aggregates(t, db))
	})
}

func TestWhatCanNotBeReadIsSetAsideAndWhatIsNotKnownYetIsLeft(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p := processor(t, db, messaging.On(countPlaced))
		broken := message(t, "broken", placed(1))
		broken.Data = []byte{0xff, 0xff}
		foreign := message(t, "foreign", &eventv1.OrderPaid{OrderId: "order-002"})
		outcomes := p.Process(t.Context(), []messaging.Message{broken, foreign, message(t, "good", placed(3))})
		require.Equal(t, []messaging.Action{messaging.SetAside, messaging.Nak, messaging.Ack}, actions(outcomes))
		require.Equal(t, "EVENT_UNREADABLE", fault.ReasonOf(outcomes[0].Err))
	})
}

func TestOutageIsNobodysFault(t *testing.T) {
	db := openSQLite(t)
	handled := 0
	p := processor(t, db, messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.OrderPlaced) error {
		handled++
		return nil
	}))
	require.NoError(t, db.Close())
	msgs := placedMessages(t, 3)
	msgs[1].Deliveries = 8
	require.Equal(t, []messaging.Action{messaging.Nak, messaging.Requeue, messaging.Nak}, actions(p.Process(t.Context(), msgs)))
	require.Zero(t, handled)
}

func TestHandlerContinuesTheTraceOfTheEvent(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		var span trace.SpanContext
		var seen messaging.Event
		p := processor(t, db, messaging.On(func(ctx context.Context, _ *database.Tx, ev messaging.Event, _ *eventv1.OrderPlaced) error {
			span, seen = trace.SpanContextFromContext(ctx), ev
			return nil
		}))
		msg := message(t, "traced", placed(7))
		msg.Header.Set(messaging.HeaderTraceParent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		msg.Deliveries, msg.Earlier = 2, 4
		require.Equal(t, []messaging.Action{messaging.Ack}, actions(p.Process(t.Context(), []messaging.Message{msg})))
		require.Equal(t, "0af7651916cd43dd8448eb211c80319c", span.TraceID().String())
		require.Equal(t, "traced", seen.ID)
		require.Equal(t, "taproom.event.v1.OrderPlaced", seen.Type)
		require.Equal(t, "order-007", seen.AggregateID())
		require.Equal(t, 6, seen.Attempt)
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), seen.Time)
	})
}

func TestWrongDeclarationsAreRefused(t *testing.T) {
	onCart := messaging.OnSubject("taproom.cart.*", func(context.Context, *database.Tx, messaging.Event, *eventv1.CartEvent) error { return nil })
	for want, c := range map[string]messaging.Consumer{
		"can't be a token":          {Name: "a.b", Stream: messaging.StreamCarts, Routes: []messaging.Route{onCart}},
		"needs a stream and routes": {Name: "a", Stream: messaging.StreamCarts},
		"two routes":                {Name: "a", Stream: messaging.StreamCarts, Routes: []messaging.Route{onCart, onCart}},
		"too few":                   {Name: "a", Stream: messaging.StreamCarts, Routes: []messaging.Route{onCart}, Tries: 1},
		"CartEvent": {Name: "a", Stream: messaging.StreamCarts, Routes: []messaging.Route{
			messaging.On(func(context.Context, *database.Tx, messaging.Event, *eventv1.CartEvent) error { return nil }),
		}},
		"only wildcard": {Name: "a", Stream: messaging.StreamCarts, Routes: []messaging.Route{
			messaging.OnSubject("taproom.>", func(context.Context, *database.Tx, messaging.Event, *eventv1.CartEvent) error { return nil }),
		}},
	} {
		_, err := messaging.NewProcessor(c, nil)
		require.ErrorContains(t, err, want)
	}
	_, err := messaging.NewProcessor(messaging.Consumer{Name: "a", Stream: messaging.StreamCarts, Routes: []messaging.Route{onCart}}, nil)
	require.NoError(t, err)
}
