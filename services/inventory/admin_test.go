package inventory_test

import (
	"context"
	"io"
	"testing"

	"connectrpc.com/connect"
	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/inventory"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db"
)

func TestMigrationsMatchTheSchema(t *testing.T) {
	databasetest.Each(t, inventory.Migrations(), func(t *testing.T, kept *database.DB) {
		databasetest.AssertCurrent(t, kept, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			return db.NewClient(db.Driver(driver)).Schema.WriteTo(ctx, w)
		})
	})
}

func TestStockIsAdjustedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		ann, ben := s.staff(), s.staff()
		pale, stout := newID(), newID()
		req := adjustment(received, 7, pale, stout)
		answers := make([]*inventoryv1.AdjustStockResponse, 8)
		var group errgroup.Group
		for i := range answers {
			group.Go(func() (err error) {
				answers[i], err = ann.AdjustStock(t.Context(), req)
				return err
			})
		}
		require.NoError(t, group.Wait())
		for _, a := range answers {
			require.EqualValues(t, 7, a.GetStock()[1].GetAvailable(), "the answer as first given")
			require.EqualValues(t, 1, a.GetStock()[1].GetVersion())
		}
		require.Equal(t, 7, s.available(pale))

		other := adjustment(received, 8, pale)
		other.RequestId = req.GetRequestId()
		_, err := ann.AdjustStock(t.Context(), other)
		requireFault(t, err, connect.CodeAlreadyExists, "REQUEST_ID_REUSED")
		res, err := ben.AdjustStock(t.Context(), other)
		require.NoError(t, err, "request ids of others don't matter")
		require.EqualValues(t, 15, res.GetStock()[0].GetAvailable())
		s.balanced()
	})
}

// Beers that nobody has ever had, from many sides at once.
func TestDifferentAdjustmentsAtOnceAllCount(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		beers := []string{newID(), newID(), newID()}
		staff := s.staff()
		var group errgroup.Group
		for range 24 {
			group.Go(func() error {
				_, err := staff.AdjustStock(t.Context(), adjustment(received, 1, shuffled(beers)...))
				return err
			})
		}
		require.NoError(t, group.Wait())
		for _, beer := range beers {
			require.Equal(t, 24, s.available(beer))
		}
		s.balanced()
	})
}

func TestAnAdjustmentIsMadeWholeOrNotAtAll(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		pale, stout := newID(), newID()
		s.receive(10, pale, stout)
		s.deliver(eventOf(t, placed(newID(), line(stout, 4))))
		staff := s.staff()
		before := s.dump()

		short := adjustment(adjusted, -7, pale, stout)
		_, err := staff.AdjustStock(t.Context(), short)
		requireFault(t, err, connect.CodeFailedPrecondition, "STOCK_BELOW_RESERVED")
		_, err = staff.AdjustStock(t.Context(), adjustment(received, -1, pale))
		requireFault(t, err, connect.CodeInvalidArgument, "DELTA_NEGATIVE")
		_, err = staff.AdjustStock(t.Context(), adjustment(received, 1, pale, pale))
		requireFault(t, err, connect.CodeInvalidArgument, "BEER_REPEATED")
		_, err = staff.AdjustStock(t.Context(), adjustment(adjusted, -1, newID()))
		requireFault(t, err, connect.CodeFailedPrecondition, "STOCK_BELOW_RESERVED")
		require.Equal(t, before, s.dump())

		short.Adjustments = short.GetAdjustments()[:1]
		_, err = staff.AdjustStock(t.Context(), short)
		require.NoError(t, err, "what failed left no trace of its request id")
		require.Equal(t, 3, s.available(pale))
		_, err = staff.AdjustStock(t.Context(), adjustment(adjusted, -6, stout))
		require.NoError(t, err, "down to what is reserved")
		require.Zero(t, s.available(stout))
		s.balanced()
	})
}

func TestListsArePaged(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		pale, stout := newID(), newID()
		s.receive(100, pale, stout)
		for range 4 {
			s.deliver(eventOf(t, placed(newID(), line(pale, 1), line(stout, 1))))
		}
		id := newID()
		s.deliver(eventOf(t, placed(id, line(pale, 2))), eventOf(t, handedOver(id)), eventOf(t, returned(id)))
		staff := s.staff()

		var kinds []inventoryv1.MovementKind
		movements := &inventoryv1.ListMovementsRequest{BeerId: pale, PageSize: 2}
		for {
			res, err := staff.ListMovements(t.Context(), movements)
			require.NoError(t, err)
			for _, m := range res.GetMovements() {
				require.Equal(t, pale, m.GetBeerId())
				kinds = append(kinds, m.GetKind())
			}
			if movements.PageToken = res.GetNextPageToken(); movements.GetPageToken() == "" {
				break
			}
		}
		require.Equal(t, []inventoryv1.MovementKind{
			inventoryv1.MovementKind_MOVEMENT_KIND_RETURNED, inventoryv1.MovementKind_MOVEMENT_KIND_SHIPPED, received,
		}, kinds, "newest first")
		all, err := staff.ListMovements(t.Context(), &inventoryv1.ListMovementsRequest{})
		require.NoError(t, err)
		require.Len(t, all.GetMovements(), 4)
		require.Equal(t, "lot 1", all.GetMovements()[3].GetLot())

		reserved := make(map[string]int)
		reservations := &inventoryv1.ListReservationsRequest{State: inventoryv1.ReservationState_RESERVATION_STATE_OPEN, PageSize: 3}
		pages := 0
		for ; ; pages++ {
			res, err := staff.ListReservations(t.Context(), reservations)
			require.NoError(t, err)
			for _, r := range res.GetReservations() {
				reserved[r.GetOrderId()+r.GetBeerId()]++
			}
			if reservations.PageToken = res.GetNextPageToken(); reservations.GetPageToken() == "" {
				break
			}
		}
		require.Equal(t, 2, pages)
		require.Len(t, reserved, 8)

		_, err = staff.ListMovements(t.Context(), &inventoryv1.ListMovementsRequest{PageToken: "?"})
		requireFault(t, err, connect.CodeInvalidArgument, "PAGE_TOKEN_INVALID")
		res, err := s.stock.BatchGetStock(t.Context(), &inventoryv1.BatchGetStockRequest{BeerIds: []string{stout, newID(), pale}})
		require.NoError(t, err)
		require.Equal(t, []int32{96, 0, 96}, []int32{res.GetStock()[0].GetAvailable(), res.GetStock()[1].GetAvailable(), res.GetStock()[2].GetAvailable()})
	})
}

func TestStockIsForStaffToAdjust(t *testing.T) {
	s := newShop(t, databasetest.SQLite(t, inventory.Migrations()...))
	client, url := s.Client("inventory")
	customer := inventoryv1connect.NewInventoryAdminServiceClient(client, url, s.As(identity.RoleCustomer, newID()))
	_, err := customer.AdjustStock(t.Context(), adjustment(received, 1, newID()))
	requireFault(t, err, connect.CodePermissionDenied, "STAFF_REQUIRED")
	s.Revocations.SetDeaf(true)
	_, err = s.staff().AdjustStock(t.Context(), adjustment(received, 1, newID()))
	requireFault(t, err, connect.CodeUnavailable, "REVOCATIONS_UNAVAILABLE")
	_, err = s.staff().ListMovements(t.Context(), &inventoryv1.ListMovementsRequest{})
	require.NoError(t, err, "reading goes on")
}
