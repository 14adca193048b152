package service

import (
	"context"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// State answers other services.
type State struct {
	Store *store.Store
}

var _ paymentv1connect.PaymentStateServiceHandler = (*State)(nil)

// GetWalletState says whether a user's wallet holds money, has holds or expects any.
func (s *State) GetWalletState(ctx context.Context, req *paymentv1.GetWalletStateRequest) (*paymentv1.GetWalletStateResponse, error) {
	wallet, err := s.Store.Wallet(ctx, req.GetUserId())
	if err != nil {
		return nil, err
	}
	return &paymentv1.GetWalletStateResponse{Empty: wallet.Empty()}, nil
}
