package service

import (
	"context"
	"time"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/money"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// Admin answers staff.
type Admin struct {
	Store *store.Store
}

var _ paymentv1connect.PaymentAdminServiceHandler = (*Admin)(nil)

// GetTrialBalance returns the sums of the ledger.
func (s *Admin) GetTrialBalance(ctx context.Context, _ *paymentv1.GetTrialBalanceRequest) (*paymentv1.GetTrialBalanceResponse, error) {
	balances, err := s.Store.TrialBalance(ctx)
	if err != nil {
		return nil, err
	}
	res := &paymentv1.GetTrialBalanceResponse{Balanced: true}
	posted, pending := map[string]int64{}, map[string]int64{}
	for _, b := range balances {
		posted[b.Currency] += b.Posted
		pending[b.Currency] += b.Pending
		res.Balances = append(res.Balances, &paymentv1.AccountBalance{
			Account: string(b.Account),
			Posted:  money.New(b.Posted, b.Currency).Proto(),
			Pending: money.New(b.Pending, b.Currency).Proto(),
		})
	}
	for currency := range posted {
		if posted[currency] != 0 || pending[currency] != 0 {
			res.Balanced = false
		}
	}
	return res, nil
}

// ListPayments returns payments of everybody.
func (s *Admin) ListPayments(ctx context.Context, req *paymentv1.ListPaymentsRequest) (*paymentv1.ListPaymentsResponse, error) {
	var page keyset
	if err := paging.Decode(req.GetPageToken(), &page); err != nil {
		return nil, err
	}
	if req.GetPageToken() != "" && page.OrderID != req.GetOrderId() {
		return nil, fault.Invalid("PAGE_TOKEN_INVALID", "the page token belongs to another query: start with the first page")
	}
	size := paging.Size(req.GetPageSize())
	payments, err := s.Store.Payments(ctx, req.GetOrderId(), page.Before, size+1)
	if err != nil {
		return nil, err
	}
	res := &paymentv1.ListPaymentsResponse{}
	if len(payments) > size {
		payments = payments[:size]
		res.NextPageToken = paging.Encode(keyset{Before: payments[size-1].ID, OrderID: req.GetOrderId()})
	}
	for _, p := range payments {
		res.Payments = append(res.Payments, toPayment(p))
	}
	return res, nil
}

// CheckInvariants checks the rules that money must obey.
func (s *Admin) CheckInvariants(ctx context.Context, _ *paymentv1.CheckInvariantsRequest) (*paymentv1.CheckInvariantsResponse, error) {
	invariants, err := s.Invariants(ctx, time.Time{})
	return &paymentv1.CheckInvariantsResponse{Invariants: invariants}, err
}

// Invariants tells whether the rules that money must obey hold. The time is read where ages are computed.
func (s *Admin) Invariants(ctx context.Context, _ time.Time) ([]*typev1.Invariant, error) {
	findings, err := s.Store.CheckInvariants(ctx)
	if err != nil {
		return nil, err
	}
	invariants := make([]*typev1.Invariant, len(findings))
	for i, f := range findings {
		invariants[i] = toInvariant(f)
	}
	return invariants, nil
}
