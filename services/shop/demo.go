package shop

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/user"
)

// demoTopUp is what the demo's customer finds in the wallet, in cents.
const demoTopUp = 25_000

// Demo sets the demo up on a shop that runs: accounts, a catalogue when there is none, and a customer with money. It is
// repeated at each start and does what is missing.
func (s *Shop) Demo(ctx context.Context) ([]user.DemoAccount, error) {
	accounts, err := user.EnsureDemoAccounts(ctx, s.cfg.Services.User, s.parts.accounts, s.parts.secretsDir)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if account.Changed {
			continue // whoever changed the password looks after the account now
		}
		caller, err := s.login(ctx, account)
		if err != nil {
			return nil, err
		}
		if account.Role == "STAFF" {
			err = s.fillShelves(ctx, caller)
		} else {
			err = fillWallet(ctx, caller)
		}
		if err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// EnsureStaff makes sure that there is a staff account, so that a new shop has somebody to run it.
func (s *Shop) EnsureStaff(ctx context.Context, email, password string) error {
	_, err := user.EnsureStaff(ctx, s.cfg.Services.User, s.parts.accounts, email, "Staff", password)
	return err
}

// local calls the shop through its edge, within the process.
func (s *Shop) local() Caller {
	return Caller{HTTP: &http.Client{Transport: s.parts.resolver.Transport("edge")}, URL: s.parts.resolver.URL("edge")}
}

func (s *Shop) login(ctx context.Context, account user.DemoAccount) (Caller, error) {
	caller := s.local()
	users := userv1connect.NewUserServiceClient(caller.HTTP, caller.URL, caller.Options()...)
	res, err := users.Login(ctx, &userv1.LoginRequest{Email: account.Email, Password: account.Password})
	if err != nil {
		return Caller{}, fmt.Errorf("signing in as %s: %w", account.Email, err)
	}
	caller.Token = res.GetSession().GetAccessToken()
	return caller, nil
}

// fillWallet gives the customer a card and money, the first time.
func fillWallet(ctx context.Context, customer Caller) error {
	payments := paymentv1connect.NewPaymentServiceClient(customer.HTTP, customer.URL, customer.Options()...)
	cards, err := payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	if err != nil || len(cards.GetCards()) > 0 {
		return err
	}
	card, err := payments.SaveCard(ctx, &paymentv1.SaveCardRequest{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
	if err != nil {
		return fmt.Errorf("saving the demo's card: %w", err)
	}
	request := uuid.NewSHA1(demoNamespace, []byte("wallet"))
	_, err = payments.TopUpWallet(ctx, &paymentv1.TopUpWalletRequest{
		RequestId: request.String(), CardId: card.GetCard().GetId(), AmountMinorUnits: demoTopUp,
	})
	return err
}
