package service

import (
	"context"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// State answers other services.
type State struct {
	DB *database.DB
}

var _ paymentv1connect.PaymentStateServiceHandler = (*State)(nil)

// HoldWallet lets nobody top a user's wallet up for a while, and says whether it is empty.
func (s *State) HoldWallet(ctx context.Context, req *paymentv1.HoldWalletRequest) (*paymentv1.HoldWalletResponse, error) {
	res := &paymentv1.HoldWalletResponse{}
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := tx.Now()
		wallet, held, err := store.HoldWallet(ctx, tx, req.GetUserId(), req.GetHoldId(), now.Add(req.GetLength().AsDuration()), now)
		if err == nil && !held {
			return fault.Aborted("ACCOUNT_CLOSING", "the account is being deleted by somebody else: try again in a few minutes")
		}
		res.Empty = wallet.Empty()
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
