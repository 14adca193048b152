package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/order/internal/announce"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

func each(t *testing.T, test func(t *testing.T, db *database.DB, s *store.Store)) {
	databasetest.Each(t, []database.Migrations{journal.Migrations, store.Migrations()}, func(t *testing.T, db *database.DB) {
		test(t, db, store.New(db))
	})
}

func newID(t testing.TB) string {
	id, err := uuid.NewV7()
	require.NoError(t, err)
	return id.String()
}

func draft(t testing.TB, userID string) domain.Order {
	q, err := domain.NewQuote([]domain.Line{{BeerID: newID(t), BeerName: "Pale", Quantity: 2, UnitPrice: 300}, {BeerID: newID(t), BeerName: "Stout", Quantity: 1, UnitPrice: 450}},
		domain.Shipping{MethodID: "standard", Rate: 490}, "EUR", "DE", 3)
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Microsecond)
	return domain.Order{
		ID: newID(t), UserID: userID, Number: 1, Status: domain.Status{State: domain.Pending}, Quote: q,
		Address:  domain.Address{Recipient: "Ada", Street: "Quay 1", City: "Kiel", PostalCode: "24103", Country: "DE"},
		PlacedAt: now, UpdatedAt: now, ExpiresAt: now.Add(15 * time.Minute), Version: 1, TimelineLen: 1,
	}
}

func request(text string) store.Request {
	return store.Request{ID: text, Digest: []byte(text + "-digest")}
}

func place(t testing.TB, s *store.Store, o domain.Order, r store.Request) (domain.Order, error) {
	var err error
	if o.Number, err = s.Next(t.Context(), o.UserID); err != nil {
		o.Number = 1 // looked at before the order in progress was placed
	}
	return s.Place(t.Context(), o, r, announce.Placed(o))
}

func TestMigrationsMatchTheSchema(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, _ *store.Store) {
		databasetest.AssertCurrent(t, db, store.WriteSchema)
	})
}

func TestAPlacedOrderIsKept(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		user := newID(t)
		o := draft(t, user)
		placed, err := place(t, s, o, request("r1"))
		require.NoError(t, err)
		require.Equal(t, o, placed)
		got, err := s.Get(t.Context(), user, o.ID)
		require.NoError(t, err)
		require.Equal(t, o, got)
		_, err = s.Get(t.Context(), newID(t), o.ID)
		require.Equal(t, "ORDER_NOT_FOUND", fault.ReasonOf(err), "somebody else's")
		entries, err := s.Timeline(t.Context(), o.ID)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		events, err := journal.Pending(t.Context(), db, 10)
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, events[0].ID, entries[0].EventID)
	})
}

func TestARequestIDMakesOneOrder(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		user := newID(t)
		var group errgroup.Group
		ids := make([]string, 32)
		for i := range ids {
			o := draft(t, user)
			group.Go(func() error {
				placed, err := place(t, s, o, request("same"))
				ids[i] = placed.ID
				return err
			})
		}
		require.NoError(t, group.Wait())
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
		events, err := journal.Pending(t.Context(), db, 10)
		require.NoError(t, err)
		require.Len(t, events, 1, "one effect")

		_, err = place(t, s, draft(t, user), store.Request{ID: "same", Digest: []byte("other")})
		require.Equal(t, "REQUEST_ID_REUSED", fault.ReasonOf(err))
		require.Equal(t, fault.KindAlreadyExists, fault.KindOf(err))
	})
}

func TestARepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		user := newID(t)
		first, err := place(t, s, draft(t, user), request("r"))
		require.NoError(t, err)
		advance(t, db, s, first.ID, domain.StockWasRejected)
		again, err := place(t, s, draft(t, user), request("r"))
		require.NoError(t, err)
		require.Equal(t, first, again)
	})
}

func TestTwoTabsCheckOutOneCart(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *store.Store) {
		user := newID(t)
		orders := make([]domain.Order, 16)
		errs := make([]error, len(orders))
		var group errgroup.Group
		for i := range orders {
			o := draft(t, user)
			group.Go(func() error {
				orders[i], errs[i] = place(t, s, o, request(fmt.Sprint("tab ", i)))
				return nil
			})
		}
		require.NoError(t, group.Wait())
		var winner string
		for i, err := range errs {
			if err == nil {
				require.Empty(t, winner, "one order")
				winner = orders[i].ID
			}
		}
		for _, err := range errs {
			if err != nil {
				require.Equal(t, "ORDER_IN_PROGRESS", fault.ReasonOf(err))
				var f *fault.Error
				require.ErrorAs(t, err, &f)
				require.Equal(t, winner, f.Metadata["order_id"])
			}
		}
		require.NoError(t, s.CloseCheckouts(t.Context(), []string{winner}))
		_, err := place(t, s, draft(t, user), request("later"))
		require.NoError(t, err)
	})
}

func TestWhoSawTheCartBeforeAnOrderComesTooLateAfterIt(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *store.Store) {
		user := newID(t)
		late := draft(t, user)
		number, err := s.Next(t.Context(), user)
		require.NoError(t, err)
		late.Number = number

		first, err := place(t, s, draft(t, user), request("first"))
		require.NoError(t, err)
		_, err = s.Next(t.Context(), user)
		require.Equal(t, "ORDER_IN_PROGRESS", fault.ReasonOf(err))
		require.NoError(t, s.CloseCheckouts(t.Context(), []string{first.ID}))

		_, err = s.Place(t.Context(), late, request("late"), announce.Placed(late))
		require.Equal(t, "ORDER_IN_PROGRESS", fault.ReasonOf(err))
		var f *fault.Error
		require.ErrorAs(t, err, &f)
		require.Equal(t, first.ID, f.Metadata["order_id"])
		_, err = place(t, s, draft(t, user), request("with a new look"))
		require.NoError(t, err)
	})
}

func advance(t testing.TB, db *database.DB, s *store.Store, orderID string, kinds ...domain.Kind) {
	steps := make([]store.Step, len(kinds))
	for i, kind := range kinds {
		steps[i] = store.Step{OrderID: orderID, Input: domain.Input{Kind: kind}, EventID: newID(t), At: time.Now().UTC()}
	}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return s.Advance(ctx, tx, announce.Event, steps...)
	}))
}

func TestABatchMovesManyOrders(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		var steps []store.Step
		var ids []string
		for i := range 20 {
			o, err := place(t, s, draft(t, newID(t)), request(fmt.Sprint(i)))
			require.NoError(t, err)
			ids = append(ids, o.ID)
			for _, kind := range []domain.Kind{domain.StockWasReserved, domain.MoneyWasAuthorized, domain.MoneyWasCaptured} {
				steps = append(steps, store.Step{OrderID: o.ID, Input: domain.Input{Kind: kind}, EventID: newID(t), At: time.Now().UTC()})
			}
		}
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return s.Advance(ctx, tx, announce.Event, steps...)
		}))
		for _, id := range ids {
			o, err := s.Get(t.Context(), "", id)
			require.NoError(t, err)
			require.Equal(t, domain.Paid, o.Status.State)
			entries, err := s.Timeline(t.Context(), id)
			require.NoError(t, err)
			require.Len(t, entries, 6)
			for n, entry := range entries {
				require.EqualValues(t, n+1, entry.Number)
				require.NotEmpty(t, entry.EventID)
			}
		}
		// The same news again, after the inbox forgot them: nothing changes.
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return s.Advance(ctx, tx, announce.Event, steps...)
		}))
		entries, err := s.Timeline(t.Context(), ids[0])
		require.NoError(t, err)
		require.Len(t, entries, 6)
	})
}

// News of both sides come side by side to the same orders, in any order, on several connections: each order is
// confirmed once, and nobody deadlocks.
func TestNewsComeSideBySide(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		ids := make([]string, 30)
		for i := range ids {
			o, err := place(t, s, draft(t, newID(t)), request(fmt.Sprint(i)))
			require.NoError(t, err)
			ids[i] = o.ID
		}
		var group errgroup.Group
		for _, kind := range []domain.Kind{domain.StockWasReserved, domain.MoneyWasAuthorized} {
			for range 2 {
				shuffled := append([]string(nil), ids...)
				rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				group.Go(func() error {
					steps := make([]store.Step, len(shuffled))
					for i, id := range shuffled {
						steps[i] = store.Step{OrderID: id, Input: domain.Input{Kind: kind}, EventID: id + string(kind), At: time.Now().UTC()}
					}
					return db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
						return s.Advance(ctx, tx, announce.Event, steps...)
					})
				})
			}
		}
		require.NoError(t, group.Wait())
		events, err := journal.Pending(t.Context(), db, 1000)
		require.NoError(t, err)
		confirmed := 0
		for _, e := range events {
			if e.Type == "taproom.event.v1.OrderConfirmed" {
				confirmed++
			}
		}
		require.Equal(t, len(ids), confirmed)
	})
}

// A customer who deletes the account and one who orders are the same at the same time: either the order is seen by who asks
// whether any is open, or it is refused.
func TestNoOrderSlipsPastAHold(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		ctx := t.Context()
		won := map[bool]int{}
		for round := range 60 {
			user := newID(t)
			before := round%2 == 0 // whether the customer has ordered before
			if before {
				o, err := place(t, s, draft(t, user), request("first"))
				require.NoError(t, err)
				require.NoError(t, s.CloseCheckouts(ctx, []string{o.ID}))
				advance(t, db, s, o.ID, domain.StockWasRejected)
			}
			o := draft(t, user)
			var err error
			o.Number, err = s.Next(ctx, user)
			require.NoError(t, err)
			var both errgroup.Group
			ready := make(chan struct{})
			var open int64
			var placing error
			both.Go(func() error {
				<-ready
				_, placing = s.Place(ctx, o, request("late"), announce.Placed(o))
				return nil
			})
			both.Go(func() (err error) {
				<-ready
				for range rand.IntN(8) { // so that not always the same side wins
					if _, err := s.Timeline(ctx, o.ID); err != nil {
						return err
					}
				}
				open, err = s.Hold(ctx, user, newID(t), o.PlacedAt.Add(time.Minute), o.PlacedAt)
				return err
			})
			close(ready)
			require.NoError(t, both.Wait())
			if placing != nil {
				require.Equal(t, "ACCOUNT_CLOSING", fault.ReasonOf(placing))
				require.Equal(t, fault.KindFailedPrecondition, fault.KindOf(placing))
			}
			require.Equal(t, placing == nil, open == 1, "%d open, %v", open, placing)
			won[placing == nil]++
		}
		t.Log("orders that came first, or did not:", won)
	})
}

func TestAHoldEnds(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		ctx, user := t.Context(), newID(t)
		o := draft(t, user)
		now := o.PlacedAt
		hold := func(id string, length time.Duration) (int64, error) {
			return s.Hold(ctx, user, id, now.Add(length), now)
		}
		_, err := hold("a", time.Minute)
		require.NoError(t, err)
		_, err = hold("b", time.Minute)
		require.Equal(t, "ACCOUNT_CLOSING", fault.ReasonOf(err))
		require.Equal(t, fault.KindAborted, fault.KindOf(err))
		_, err = hold("b", 0)
		require.Equal(t, "ACCOUNT_CLOSING", fault.ReasonOf(err), "nobody ends another's")
		_, err = place(t, s, o, request("r"))
		require.Equal(t, "ACCOUNT_CLOSING", fault.ReasonOf(err))
		_, err = hold("a", 0)
		require.NoError(t, err)
		_, err = hold("c", time.Minute)
		require.NoError(t, err)
		now = now.Add(time.Minute)
		o.PlacedAt = now
		_, err = place(t, s, o, request("r"))
		require.NoError(t, err, "it passed")

		open := func() int64 {
			n, err := hold("d", 0)
			require.NoError(t, err)
			return n
		}
		require.EqualValues(t, 1, open())
		advance(t, db, s, o.ID, domain.StockWasReserved, domain.MoneyWasAuthorized, domain.DeadlinePassed)
		require.EqualValues(t, 1, open(), "the money is still to be given back")
		advance(t, db, s, o.ID, domain.MoneyWasVoided)
		require.Zero(t, open())
	})
}

func TestPagesAreNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *store.Store) {
		user := newID(t)
		var want []string
		for i := range 5 {
			o, err := place(t, s, draft(t, user), request(fmt.Sprint(i)))
			require.NoError(t, err)
			require.NoError(t, s.CloseCheckouts(t.Context(), []string{o.ID}))
			want = append([]string{o.ID}, want...)
			_, err = place(t, s, draft(t, newID(t)), request("other"))
			require.NoError(t, err)
		}
		first, err := s.List(t.Context(), store.Filter{UserID: user}, 3)
		require.NoError(t, err)
		rest, err := s.List(t.Context(), store.Filter{UserID: user, Before: first[2].ID}, 3)
		require.NoError(t, err)
		var got []string
		for _, o := range append(first, rest...) {
			got = append(got, o.ID)
		}
		require.Equal(t, want, got)
	})
}

func TestInvariantsFindWhatIsBroken(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *store.Store) {
		o := draft(t, newID(t))
		o.ExpiresAt = o.PlacedAt.Add(-time.Hour)
		_, err := place(t, s, o, request("late"))
		require.NoError(t, err)
		found, err := s.CheckInvariants(t.Context(), time.Now().UTC())
		require.NoError(t, err)
		status := map[string]typev1.InvariantStatus{}
		for _, invariant := range found {
			status[invariant.GetName()] = invariant.GetStatus()
		}
		require.Equal(t, typev1.InvariantStatus_INVARIANT_STATUS_BROKEN, status["order.pending_deadline"])
		require.Equal(t, typev1.InvariantStatus_INVARIANT_STATUS_OK, status["order.totals"])
		require.Equal(t, typev1.InvariantStatus_INVARIANT_STATUS_PENDING, status["order.outbox_age"])

		expired, err := s.Expired(t.Context(), time.Now().UTC(), 10)
		require.NoError(t, err)
		require.Equal(t, []string{o.ID}, expired)
		advance(t, db, s, o.ID, domain.DeadlinePassed)
		expired, err = s.Expired(t.Context(), time.Now().UTC(), 10)
		require.NoError(t, err)
		require.Empty(t, expired)
	})
}
