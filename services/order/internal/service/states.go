package service

import (
	"context"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// States answers OrderStateService: what other services need to know of orders.
type States struct{ store *store.Store }

// NewStates returns the handler.
func NewStates(store *store.Store) *States { return &States{store: store} }

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

// CountOpenOrders answers how many orders of a user are under way.
func (s *States) CountOpenOrders(ctx context.Context, req *orderv1.CountOpenOrdersRequest) (*orderv1.CountOpenOrdersResponse, error) {
	n, err := s.store.CountOpen(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	return &orderv1.CountOpenOrdersResponse{Count: n}, nil
}
