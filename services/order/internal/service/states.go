package service

import (
	"context"
	"time"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// States answers OrderStateService: what other services need to know of orders.
type States struct {
	store *store.Store
	clock func() time.Time
}

// NewStates returns the handler.
func NewStates(store *store.Store, clock func() time.Time) *States {
	return &States{store: store, clock: clock}
}

// BatchGetOrderStates answers where orders stand.
func (s *States) BatchGetOrderStates(ctx context.Context, req *orderv1.BatchGetOrderStatesRequest) (*orderv1.BatchGetOrderStatesResponse, error) {
	orders, err := s.store.List(ctx, store.Filter{IDs: req.GetIds()}, len(req.GetIds()))
	if err != nil {
		return nil, err
	}
	res := &orderv1.BatchGetOrderStatesResponse{States: make([]*orderv1.OrderStateEntry, len(orders))}
	for i, o := range orders {
		res.States[i] = &orderv1.OrderStateEntry{
			Id: o.ID, State: stateToProto[o.Status.State], CancelReason: reasonToProto[o.Status.Reason], Version: o.Version,
		}
	}
	return res, nil
}

// CloseCheckouts lets the carts of these orders be ordered from again.
func (s *States) CloseCheckouts(ctx context.Context, req *orderv1.CloseCheckoutsRequest) (*orderv1.CloseCheckoutsResponse, error) {
	if err := s.store.CloseCheckouts(ctx, req.GetOrderIds()); err != nil {
		return nil, err
	}
	return &orderv1.CloseCheckoutsResponse{}, nil
}

// HoldCustomer takes no orders of a user for a while, and answers how many are under way.
func (s *States) HoldCustomer(ctx context.Context, req *orderv1.HoldCustomerRequest) (*orderv1.HoldCustomerResponse, error) {
	now := s.clock()
	open, err := s.store.Hold(ctx, req.GetUserId(), req.GetHoldId(), now.Add(req.GetLength().AsDuration()), now)
	if err != nil {
		return nil, err
	}
	return &orderv1.HoldCustomerResponse{OpenOrders: open}, nil
}
