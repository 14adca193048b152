package service

import (
	"context"
	"time"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// Admin answers OrderAdminService: what staff do with anybody's orders.
type Admin struct {
	db    *database.DB
	store *store.Store
	clock func() time.Time
}

// NewAdmin returns the handler.
func NewAdmin(db *database.DB, store *store.Store, clock func() time.Time) *Admin {
	return &Admin{db: db, store: store, clock: clock}
}

// SearchOrders answers orders of everybody, newest first.
func (a *Admin) SearchOrders(ctx context.Context, req *orderv1.SearchOrdersRequest) (*orderv1.SearchOrdersResponse, error) {
	filter := store.Filter{UserID: req.GetUserId(), States: statesFromProto(req.GetStates())}
	orders, next, err := listPage(ctx, a.store, filter, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &orderv1.SearchOrdersResponse{Orders: ordersToProto(orders), NextPageToken: next}, nil
}

// CancelOrder cancels anybody's order, or asks shipping to stop or recall it.
func (a *Admin) CancelOrder(ctx context.Context, req *orderv1.OrderAdminServiceCancelOrderRequest) (*orderv1.OrderAdminServiceCancelOrderResponse, error) {
	res := &orderv1.OrderAdminServiceCancelOrderResponse{}
	in := domain.Input{Kind: domain.CancelByStaff, Reason: domain.ByStaff, Recall: req.GetRecall()}
	if req.GetReason() == orderv1.CancelReason_CANCEL_REASON_FRAUD {
		in.Reason = domain.Fraud
	}
	err := a.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return journal.Once(ctx, tx, identity.Must(ctx).ID, "OrderAdminService.CancelOrder", req.GetRequestId(), req, res, func(ctx context.Context) error {
			order, err := cancel(ctx, tx, a.store, req.GetId(), in, a.clock())
			res.Order = orderToProto(order)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// CheckInvariants checks the rules that orders must obey by themselves.
func (a *Admin) CheckInvariants(ctx context.Context, _ *orderv1.CheckInvariantsRequest) (*orderv1.CheckInvariantsResponse, error) {
	invariants, err := a.store.CheckInvariants(ctx, a.clock())
	if err != nil {
		return nil, err
	}
	return &orderv1.CheckInvariantsResponse{Invariants: invariants}, nil
}
