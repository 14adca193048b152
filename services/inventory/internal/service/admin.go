package service

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

// Admin answers InventoryAdminService: what staff do with the stock.
type Admin struct {
	db    *database.DB
	store *store.Store
	clock func() time.Time
}

// NewAdmin returns the handler.
func NewAdmin(db *database.DB, store *store.Store, clock func() time.Time) *Admin {
	return &Admin{db: db, store: store, clock: clock}
}

// AdjustStock takes goods in or corrects counts, all lines or none, once per request id.
func (a *Admin) AdjustStock(ctx context.Context, req *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	actor := identity.Must(ctx).ID
	beers := make([]string, len(req.GetAdjustments()))
	seen := make(map[string]bool, len(beers))
	for i, line := range req.GetAdjustments() {
		beers[i] = line.GetBeerId()
		if seen[beers[i]] {
			return nil, fault.Invalid("BEER_REPEATED", "Beer %s stands in more than one line; add them up.", beers[i])
		}
		seen[beers[i]] = true
	}
	var res *inventoryv1.AdjustStockResponse
	err := a.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		res = &inventoryv1.AdjustStockResponse{}
		return journal.Once(ctx, tx, actor, "AdjustStock", req.GetRequestId(), req, res, func(ctx context.Context) error {
			note := store.Note{Text: req.GetNote(), Lot: req.GetLot(), ActorID: actor}
			return a.store.Change(ctx, tx, a.clock(), store.Touched{Beers: beers, Adds: true}, note, func(desk *domain.Desk) ([]proto.Message, error) {
				return nil, adjust(desk, req, res)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

func adjust(desk *domain.Desk, req *inventoryv1.AdjustStockRequest, res *inventoryv1.AdjustStockResponse) error {
	kind := domain.Received
	if req.GetKind() == inventoryv1.MovementKind_MOVEMENT_KIND_ADJUSTED {
		kind = domain.Adjusted
	}
	for i, line := range req.GetAdjustments() {
		if kind == domain.Received && line.GetDelta() < 0 {
			return fault.Invalid("DELTA_NEGATIVE", "Line %d takes away; goods that come in are counted up, corrections are of kind ADJUSTED.", i+1)
		}
		after, ok := desk.Adjust(line.GetBeerId(), kind, line.GetDelta())
		switch {
		case !ok && line.GetDelta() > 0:
			return fault.FailedPrecondition("STOCK_TOO_LARGE", "Beer %s has %d on hand, to which %d can't be added.",
				line.GetBeerId(), after.OnHand, line.GetDelta()).With("beer_id", line.GetBeerId())
		case !ok:
			return fault.FailedPrecondition("STOCK_BELOW_RESERVED", "Beer %s has %d on hand and %d reserved: a change by %d can't be.",
				line.GetBeerId(), after.OnHand, after.Reserved, line.GetDelta()).With("beer_id", line.GetBeerId())
		}
		after.Version++
		res.Stock = append(res.Stock, stockToProto(after))
	}
	return nil
}

// ListMovements answers what came and went, newest first.
func (a *Admin) ListMovements(ctx context.Context, req *inventoryv1.ListMovementsRequest) (*inventoryv1.ListMovementsResponse, error) {
	var before string
	if err := paging.Decode(req.GetPageToken(), &before); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	rows, err := a.store.Movements(ctx, req.GetBeerId(), before, size+1)
	if err != nil {
		return nil, err
	}
	res := &inventoryv1.ListMovementsResponse{}
	if len(rows) > size {
		rows = rows[:size]
		res.NextPageToken = paging.Encode(rows[size-1].ID)
	}
	for _, row := range rows {
		res.Movements = append(res.Movements, movementToProto(row))
	}
	return res, nil
}

// ListReservations answers what orders hold or held, newest first.
func (a *Admin) ListReservations(ctx context.Context, req *inventoryv1.ListReservationsRequest) (*inventoryv1.ListReservationsResponse, error) {
	var before int64
	if err := paging.Decode(req.GetPageToken(), &before); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	lines, err := a.store.Reservations(ctx, req.GetOrderId(), stateFromProto(req.GetState()), before, size+1)
	if err != nil {
		return nil, err
	}
	res := &inventoryv1.ListReservationsResponse{}
	if len(lines) > size {
		lines = lines[:size]
		res.NextPageToken = paging.Encode(lines[size-1].ID)
	}
	for _, line := range lines {
		res.Reservations = append(res.Reservations, reservationToProto(line))
	}
	return res, nil
}

// CheckInvariants checks the rules that stock must obey.
func (a *Admin) CheckInvariants(ctx context.Context, _ *inventoryv1.CheckInvariantsRequest) (*inventoryv1.CheckInvariantsResponse, error) {
	invariants, err := a.store.CheckInvariants(ctx, a.clock())
	if err != nil {
		return nil, err
	}
	return &inventoryv1.CheckInvariantsResponse{Invariants: invariants}, nil
}
