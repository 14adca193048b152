// Package service answers the calls of payment's API.
package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/payment/internal/intents"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
)

// maxCards is how many cards a customer may save.
const maxCards = 10

// Payment answers customers.
type Payment struct {
	DB          *database.DB
	Store       *store.Store
	Intents     *intents.Runner
	WalletLimit int64         // minor units that top-ups may fill a wallet up to
	TopUpWait   time.Duration // how long a top-up waits for the provider
	Cards       bool          // there is a provider that takes money from cards
}

var _ paymentv1connect.PaymentServiceHandler = (*Payment)(nil)

// GetWallet returns the caller's wallet.
func (s *Payment) GetWallet(ctx context.Context, _ *paymentv1.GetWalletRequest) (*paymentv1.GetWalletResponse, error) {
	wallet, err := s.Store.Wallet(ctx, identity.Must(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &paymentv1.GetWalletResponse{Wallet: toWallet(wallet)}, nil
}

// keyset is where a page of rows with UUIDv7 ids ends.
type keyset struct {
	Before  string `json:"b"`
	OrderID string `json:"o,omitempty"`
}

// ListTransactions returns the movements of the caller's wallet.
func (s *Payment) ListTransactions(ctx context.Context, req *paymentv1.ListTransactionsRequest) (*paymentv1.ListTransactionsResponse, error) {
	var page keyset
	if err := paging.Decode(req.GetPageToken(), &page); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	transfers, err := s.Store.WalletTransfers(ctx, identity.Must(ctx).ID, page.Before, size+1)
	if err != nil {
		return nil, err
	}
	res := &paymentv1.ListTransactionsResponse{}
	if len(transfers) > size {
		transfers = transfers[:size]
		res.NextPageToken = paging.Encode(keyset{Before: transfers[size-1].ID})
	}
	for _, t := range transfers {
		res.Transactions = append(res.Transactions, toTransaction(t))
	}
	return res, nil
}

// SaveCard hands a card to the provider and keeps what stands for it.
func (s *Payment) SaveCard(ctx context.Context, req *paymentv1.SaveCardRequest) (*paymentv1.SaveCardResponse, error) {
	if !s.Cards {
		return nil, cardsUnavailable()
	}
	user := identity.Must(ctx).ID
	n, err := s.Store.CountCards(ctx, user)
	if err != nil {
		return nil, err
	}
	if n >= maxCards {
		return nil, tooManyCards()
	}
	token, err := s.Intents.Provider.Tokenize(ctx, provider.Card{
		Number: req.GetNumber(), ExpMonth: int(req.GetExpMonth()), ExpYear: int(req.GetExpYear()), CVC: req.GetCvc(),
	})
	if wrong := (*provider.CardError)(nil); errors.As(err, &wrong) {
		return nil, fault.Invalid("CARD_INVALID", "the card's %s %s", strings.ReplaceAll(wrong.Field, "_", " "), wrong.Message).
			WithField(wrong.Field, "%s", wrong.Message)
	}
	if err != nil {
		return nil, fault.Unavailable("PROVIDER_UNAVAILABLE", "cards can't be saved right now: try again later").WithCause(err)
	}
	card := store.Card{
		ID: uuid.Must(uuid.NewV7()).String(), UserID: user, Token: token.Value, Brand: token.Brand, Last4: token.Last4,
		ExpMonth: int(req.GetExpMonth()), ExpYear: int(req.GetExpYear()), CreatedAt: s.DB.Now(),
	}
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		inserted, err := store.InsertCard(ctx, tx, card, maxCards)
		if err == nil && !inserted {
			return tooManyCards()
		}
		if err != nil {
			return err
		}
		return refuseHeld(ctx, tx, user)
	})
	if err != nil {
		return nil, err
	}
	return &paymentv1.SaveCardResponse{Card: toCard(card)}, nil
}

// ListCards returns the caller's cards.
func (s *Payment) ListCards(ctx context.Context, _ *paymentv1.ListCardsRequest) (*paymentv1.ListCardsResponse, error) {
	cards, err := s.Store.Cards(ctx, identity.Must(ctx).ID)
	if err != nil {
		return nil, err
	}
	res := &paymentv1.ListCardsResponse{CardsAvailable: s.Cards}
	for _, c := range cards {
		res.Cards = append(res.Cards, toCard(c))
	}
	return res, nil
}

// DeleteCard forgets one of the caller's cards.
func (s *Payment) DeleteCard(ctx context.Context, req *paymentv1.DeleteCardRequest) (*paymentv1.DeleteCardResponse, error) {
	err := s.DB.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		deleted, err := store.DeleteCard(ctx, tx, identity.Must(ctx).ID, req.GetId())
		if err == nil && !deleted {
			return cardNotFound()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &paymentv1.DeleteCardResponse{}, nil
}

// refuseHeld fails while the user's wallet, which must be locked, is held.
func refuseHeld(ctx context.Context, tx *database.Tx, user string) error {
	held, err := store.WalletHeld(ctx, tx, user, tx.Now())
	if err == nil && held {
		return fault.FailedPrecondition("ACCOUNT_CLOSING", "the account is being deleted, so nothing is taken or kept for it: if it stays, try again in a few minutes")
	}
	return err
}

func cardsUnavailable() error {
	return fault.FailedPrecondition("CARDS_UNAVAILABLE", "the shop takes no cards: pay from the wallet")
}

func cardNotFound() error {
	return fault.NotFound("CARD_NOT_FOUND", "there is no such card: save it again")
}

func tooManyCards() error {
	return fault.FailedPrecondition("TOO_MANY_CARDS", "%d cards are the most: delete one first", maxCards)
}
