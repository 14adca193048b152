package inventory_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
)

const (
	reservedType = "taproom.event.v1.InventoryReserved"
	rejectedType = "taproom.event.v1.InventoryRejected"
	releasedType = "taproom.event.v1.InventoryReleased"
	changedType  = "taproom.event.v1.StockChanged"
)

func placed(id string, lines ...*eventv1.OrderLine) *eventv1.OrderPlaced {
	return &eventv1.OrderPlaced{OrderId: id, UserId: newID(), Version: 1, Lines: lines}
}

func line(beerID string, quantity int32) *eventv1.OrderLine {
	return &eventv1.OrderLine{BeerId: beerID, Quantity: quantity}
}

func cancelled(id string) proto.Message  { return &eventv1.OrderCancelled{OrderId: id, Version: 2} }
func handedOver(id string) proto.Message { return &eventv1.ShipmentHandedOver{OrderId: id, Version: 2} }

func returned(id string) proto.Message { return &eventv1.ShipmentReturned{OrderId: id, Version: 3} }

// dump is everything that the service keeps of its stock, but for times and ids that it made up.
func (s *shop) dump() string {
	s.t.Helper()
	var out strings.Builder
	for _, query := range []string{
		"SELECT beer_id, on_hand, reserved, version, '' FROM stock ORDER BY 1",
		"SELECT order_id, 0, 0, 0, state FROM reservations ORDER BY 1",
		"SELECT order_id, quantity, 0, 0, beer_id FROM reservation_lines ORDER BY 1, 5",
		"SELECT order_id, quantity, 0, 0, kind FROM movements ORDER BY 1, 2, 5, beer_id",
	} {
		rows, err := s.db.Query(s.t.Context(), query)
		require.NoError(s.t, err)
		for rows.Next() {
			var id, text string
			var a, b, c int64
			require.NoError(s.t, rows.Scan(&id, &a, &b, &c, &text))
			fmt.Fprintln(&out, id, a, b, c, text)
		}
		require.NoError(s.t, rows.Err())
		require.NoError(s.t, rows.Close())
	}
	return out.String()
}

// Orders and parcels tell of themselves in any order, several times over, to several replicas at once: the books balance,
// everything told agrees with them, and telling it all again after the inbox has forgotten changes nothing.
func TestStockBalancesWhateverTheOrderOfEvents(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beers := []string{newID(), newID(), newID()}
		s.receive(120, beers...)
		var events []*delivery
		for range 80 {
			id := newID()
			lines := []*eventv1.OrderLine{line(beers[rand.N(3)], 1+rand.Int32N(4)), line(beers[rand.N(3)], 1+rand.Int32N(4))}
			life := []proto.Message{placed(id, lines...)}
			switch rand.N(4) {
			case 0:
				life = append(life, cancelled(id))
			case 1:
				life = append(life, handedOver(id))
			case 2:
				life = append(life, handedOver(id), returned(id), cancelled(id)) // recalled by staff
			}
			for _, msg := range life {
				d := eventOf(t, msg)
				events = append(events, d, d)
			}
		}
		todo := shuffled(events)
		for round := 0; len(todo) > 0; round++ {
			require.Less(t, round, 20, "some events are never settled: %v", todo)
			var replicas errgroup.Group
			parts := make([][]*delivery, 4)
			for i := range parts {
				part := todo[i*len(todo)/4 : (i+1)*len(todo)/4]
				replicas.Go(func() (err error) {
					parts[i], err = s.hand(1+rand.N(30), part)
					return err
				})
			}
			require.NoError(t, replicas.Wait())
			todo = todo[:0]
			for _, part := range parts {
				todo = append(todo, part...)
			}
		}
		s.balanced()
		before := s.dump()
		counts, stock := s.told()
		require.Equal(t, 80, counts[reservedType]+counts[rejectedType]+strings.Count(before, "RELEASED")-counts[releasedType],
			"each order is answered once, unless it was cancelled before it came")
		for _, beer := range beers {
			require.EqualValues(t, s.available(beer), stock[beer].GetAvailable())
		}

		s.forgetInbox()
		s.deliver(events...)
		require.Equal(t, before, s.dump())
		again, _ := s.told()
		require.Equal(t, counts, again)
	})
}

func TestAHundredOrdersForTheLastTenBottles(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beer, other := newID(), newID()
		s.receive(10, beer)
		s.receive(1000, other)
		var group errgroup.Group
		for i := range 100 {
			// Half of the lines name the plentiful beer first, half last: locks are taken in one order all the same.
			lines := []*eventv1.OrderLine{line(beer, 1), line(other, 2)}
			if i%2 == 0 {
				lines[0], lines[1] = lines[1], lines[0]
			}
			d := eventOf(t, placed(newID(), lines...))
			group.Go(func() error {
				again, err := s.hand(1, []*delivery{d})
				if len(again) > 0 {
					return fmt.Errorf("put off")
				}
				return err
			})
		}
		require.NoError(t, group.Wait())
		counts, _ := s.told()
		require.Equal(t, 10, counts[reservedType])
		require.Equal(t, 90, counts[rejectedType])
		require.Zero(t, s.available(beer))
		require.Equal(t, 980, s.available(other), "a rejected order holds nothing")
		s.balanced()
	})
}

func TestACancellationMayComeFirst(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beer, id := newID(), newID()
		s.receive(5, beer)
		s.deliver(eventOf(t, cancelled(id)))
		s.deliver(eventOf(t, placed(id, line(beer, 3))))
		require.Equal(t, 5, s.available(beer))
		counts, _ := s.told()
		require.Equal(t, map[string]int{changedType: 1}, counts, "the late order is not answered")
		s.balanced()
	})
}

// The recall of a parcel cancels its order. The cancellation comes by another stream than the parcel's events and may be
// faster than both of them.
func TestTheCancellationOfARecalledOrderMayOvertakeItsParcel(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beer, id := newID(), newID()
		s.receive(5, beer)
		s.deliver(eventOf(t, placed(id, line(beer, 3))))
		back := eventOf(t, returned(id))
		again, err := s.hand(1, []*delivery{back})
		require.NoError(t, err)
		require.Len(t, again, 1, "what has not left can't come back yet")
		s.deliver(eventOf(t, cancelled(id)))
		s.deliver(eventOf(t, handedOver(id)), back)
		require.Equal(t, 5, s.available(beer))
		s.balanced()
	})
}

func TestAnOrderIsReservedWholeOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		pale, stout, unknown := newID(), newID(), newID()
		s.receive(5, pale, stout)
		s.deliver(eventOf(t, placed(newID(), line(pale, 2), line(stout, 6))), eventOf(t, placed(newID(), line(pale, 1), line(unknown, 1))),
			eventOf(t, placed(newID(), line(pale, 3), line(pale, 3))))
		require.Equal(t, 5, s.available(pale))
		require.Equal(t, 5, s.available(stout))
		s.deliver(eventOf(t, placed(newID(), line(pale, 2), line(stout, 5), line(pale, 3))))
		require.Zero(t, s.available(pale))
		require.Zero(t, s.available(stout))
		counts, _ := s.told()
		require.Equal(t, 3, counts[rejectedType])
		require.Equal(t, 1, counts[reservedType])
		s.balanced()
	})
}

func TestOnlyTheOrderServiceFreesOldReservations(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beer := newID()
		s.receive(1000, beer)
		// More old orders than are asked for at once, of which only the newest is cancelled.
		var events []*delivery
		ids := make([]string, 250)
		for i := range ids {
			ids[i] = newID()
			s.orders.set(ids[i], orderv1.OrderState_ORDER_STATE_PAID)
			events = append(events, eventOf(t, placed(ids[i], line(beer, 1))))
		}
		s.deliver(events...)
		last := ids[len(ids)-1]
		s.orders.set(last, orderv1.OrderState_ORDER_STATE_CANCELLED)
		unknown := newID()
		s.deliver(eventOf(t, placed(unknown, line(beer, 1))))

		s.now = s.now.Add(29 * time.Minute)
		require.NoError(t, s.askOrders())
		require.Empty(t, s.orders.askedFor(), "they are young")
		s.now = s.now.Add(2 * time.Minute)
		young := newID()
		s.deliver(eventOf(t, placed(young, line(beer, 1))))
		s.orders.down = true
		require.Error(t, s.askOrders())
		require.Equal(t, 748, s.available(beer), "no answer frees nothing")
		s.orders.down = false
		require.NoError(t, s.askOrders())
		require.Equal(t, 749, s.available(beer), "the cancelled one's bottle alone")
		asked := s.orders.askedFor()
		require.Len(t, asked, 251)
		require.NotContains(t, asked, young)
		for id, n := range asked {
			require.Equal(t, 1, n, id)
		}
		s.deliver(eventOf(t, cancelled(last)))
		require.NoError(t, s.askOrders())
		require.NotEqual(t, 2, s.orders.askedFor()[last], "it is settled")
		counts, _ := s.told()
		require.Equal(t, 1, counts[releasedType])
		s.balanced()
		res, err := s.staff().ListReservations(t.Context(), &inventoryv1.ListReservationsRequest{OrderId: last})
		require.NoError(t, err)
		require.Equal(t, inventoryv1.ReservationState_RESERVATION_STATE_RELEASED, res.GetReservations()[0].GetState())
	})
}
