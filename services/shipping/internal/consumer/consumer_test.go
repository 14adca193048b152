package consumer_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/shipping/internal/consumer"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

var migrations = []database.Migrations{journal.Migrations, store.Migrations()}

// desk is the shipping service without its transport.
type desk struct {
	t        *testing.T
	db       *database.DB
	store    *store.Store
	orders   *messaging.Processor
	couriers *messaging.Processor
}

func newDesk(t *testing.T, db *database.DB) *desk {
	d := &desk{t: t, db: db, store: store.New(db, func([]string) {})}
	both := consumer.New(d.store, time.Now).Consumers()
	var err error
	d.orders, err = messaging.NewProcessor(both[0], db)
	require.NoError(t, err)
	d.couriers, err = messaging.NewProcessor(both[1], db)
	require.NoError(t, err)
	return d
}

// hear handles events in one batch, each under a new id: no inbox knows them.
func (d *desk) hear(p *messaging.Processor, events ...proto.Message) {
	d.t.Helper()
	msgs := make([]messaging.Message, len(events))
	for i, ev := range events {
		subject, err := event.Subject(ev)
		require.NoError(d.t, err)
		data, err := proto.Marshal(ev)
		require.NoError(d.t, err)
		msgs[i] = messaging.Message{
			Subject: subject, Data: data, Deliveries: 1,
			Header: nats.Header{messaging.HeaderID: {newID()}, messaging.HeaderType: {event.Type(ev)}},
		}
	}
	for i, outcome := range p.Process(d.t.Context(), msgs) {
		require.Equal(d.t, messaging.Ack, outcome.Action, "%v: %v", events[i], outcome.Err)
	}
}

func (d *desk) of(orderID string) (domain.Shipment, bool) {
	d.t.Helper()
	found, err := d.store.List(d.t.Context(), store.Filter{OrderID: orderID}, 2)
	require.NoError(d.t, err)
	require.LessOrEqual(d.t, len(found), 1)
	if len(found) == 0 {
		return domain.Shipment{}, false
	}
	return found[0], true
}

func (d *desk) step(orderID string, kinds ...domain.Kind) {
	d.t.Helper()
	steps := make([]store.Step, len(kinds))
	for i, kind := range kinds {
		steps[i] = store.Step{OrderID: orderID, Input: domain.Input{Kind: kind}, At: time.Now()}
	}
	require.NoError(d.t, d.db.Tx(d.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := d.store.Advance(ctx, tx, steps...)
		return err
	}))
}

// told counts what was announced, by order and event.
func (d *desk) told() map[string]map[string]int {
	d.t.Helper()
	rows, err := d.db.Query(d.t.Context(), `SELECT subject FROM outbox`)
	require.NoError(d.t, err)
	defer rows.Close()
	told := map[string]map[string]int{}
	for rows.Next() {
		var subject string
		require.NoError(d.t, rows.Scan(&subject))
		order := event.Aggregate(subject)
		if told[order] == nil {
			told[order] = map[string]int{}
		}
		told[order][subject[:len(subject)-len(order)-1]]++
	}
	require.NoError(d.t, rows.Err())
	return told
}

func paid(order string) proto.Message {
	return &eventv1.OrderPaid{OrderId: order, UserId: "user-of-" + order, Version: 4, ShippingMethodId: "standard"}
}

func cancel(order string) proto.Message {
	return &eventv1.OrderCancelRequested{OrderId: order, UserId: "user-of-" + order, Version: 5, Reason: "CUSTOMER"}
}

func recall(order string) proto.Message {
	return &eventv1.OrderCancelRequested{OrderId: order, UserId: "user-of-" + order, Version: 6, Reason: "STAFF", Recall: true}
}

// What may happen to an order, in every order: whichever way, it ends in one of the allowed ways, and hearing everything
// once more, even when no inbox remembers, changes nothing.
func TestEveryOrderOfEventsEndsWell(t *testing.T) {
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db)
		lives := permutations([]string{"paid", "cancel", "recall", "assemble", "hand over", "drive"})
		orderOf := func(i int) string { return fmt.Sprintf("order-%03d", i) }
		var driven [][]proto.Message
		for slot := range lives[0] {
			var news, moves []proto.Message
			for i, life := range lives {
				order := orderOf(i)
				s, _ := d.of(order)
				switch life[slot] {
				case "paid":
					news = append(news, paid(order), paid(order))
				case "cancel":
					news = append(news, cancel(order), cancel(order))
				case "recall":
					news = append(news, recall(order))
				case "assemble":
					if s.State == domain.Created {
						d.step(order, domain.StartAssembly, domain.FinishAssembly)
					}
				case "hand over":
					if s.State == domain.Assembled || s.State.Terminal() {
						d.step(order, domain.HandOver)
					}
				case "drive":
					moves = append(moves, drive(s)...)
				}
			}
			d.hear(d.orders, news...)
			if len(moves) > 0 {
				d.hear(d.couriers, moves...)
				driven = append(driven, moves)
			}
		}
		before := d.told()
		ends := map[domain.State]int{}
		for i, life := range lives {
			s, ok := d.of(orderOf(i))
			require.True(t, ok)
			ends[s.State]++
			require.Equal(t, "user-of-"+orderOf(i), s.UserID)
			for what, n := range before[orderOf(i)] {
				require.True(t, n == 1 || what == "taproom.shipment.stop_refused", "%s %d times in %v", what, n, life)
			}
			require.NotEqual(t, before[orderOf(i)]["taproom.shipment.stopped"], before[orderOf(i)]["taproom.shipment.handed_over"], "%v: %v", life, before[orderOf(i)])
			require.Equal(t, before[orderOf(i)]["taproom.shipment.stopped"], count(s.State == domain.Stopped), "%v", life)
			require.Equal(t, before[orderOf(i)]["taproom.shipment.returned"], count(s.State == domain.Returned), "%v", life)
			require.Equal(t, before[orderOf(i)]["taproom.shipment.delivered"], count(s.State == domain.Delivered), "%v", life)
		}
		for _, state := range []domain.State{domain.Stopped, domain.Delivered, domain.Returned, domain.Returning} {
			require.Positive(t, ends[state], "%s was never reached: %v", state, ends)
		}

		for i := range lives {
			d.hear(d.orders, recall(orderOf(i)), cancel(orderOf(i)), paid(orderOf(i)))
		}
		for _, moves := range driven {
			slices.Reverse(moves)
			d.hear(d.couriers, moves...)
		}
		require.Equal(t, before, d.told())
		invariants, err := d.store.CheckInvariants(t.Context(), time.Now())
		require.NoError(t, err)
		for _, inv := range invariants {
			require.NotEqual(t, typev1.InvariantStatus_INVARIANT_STATUS_BROKEN, inv.GetStatus(), "%v", inv)
		}
	})
}

// drive is what a courier tells who has the parcel in this state, the last first.
func drive(s domain.Shipment) []proto.Message {
	moved := &eventv1.CourierMoved{PackageId: s.ID, OrderId: s.OrderID, Step: 1, ProgressPercent: 20}
	switch s.State { //nolint:exhaustive // without the parcel there is nothing to tell
	case domain.HandedOver:
		return []proto.Message{&eventv1.CourierDelivered{PackageId: s.ID, OrderId: s.OrderID}, moved}
	case domain.Returning:
		return []proto.Message{&eventv1.CourierReturned{PackageId: s.ID, OrderId: s.OrderID}, moved}
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func permutations(of []string) [][]string {
	if len(of) == 0 {
		return [][]string{nil}
	}
	var all [][]string
	for i, first := range of {
		rest := slices.Delete(slices.Clone(of), i, i+1)
		for _, tail := range permutations(rest) {
			all = append(all, append([]string{first}, tail...))
		}
	}
	return all
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
