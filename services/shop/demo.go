package shop

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/user"
)

// demoTopUp is what the demo's customer finds in the wallet, in cents.
const demoTopUp = 25_000

// Demo sets the demo up on a shop that runs: accounts, a catalogue when there is none, and a customer with money. It is
// repeated at each start and does what is missing.
func (s *Shop) Demo(ctx context.Context) ([]user.DemoAccount, error) {
	return demo{
		user: s.cfg.Services.User, secrets: s.parts.secrets, users: s.parts.databases[user.Name], catalogue: s.parts.databases[catalog.Name],
		shop: Caller{HTTP: &http.Client{Transport: s.parts.resolver.Transport(EdgeName)}, URL: s.parts.resolver.URL(EdgeName)},
	}.setUp(ctx)
}

// demo is what setting a demo up takes: the databases of accounts and catalogue, and a way to call the shop as anybody.
type demo struct {
	user             user.Config
	secrets          secrets
	users, catalogue *database.DB
	shop             Caller
}

func (d demo) setUp(ctx context.Context) ([]user.DemoAccount, error) {
	deps, err := d.secrets.accounts(module.Kit{DB: d.users, Clock: func() time.Time { return time.Now().UTC() }})
	if err != nil {
		return nil, err
	}
	accounts, err := user.EnsureDemoAccounts(ctx, d.user, deps, string(d.secrets))
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if account.Changed {
			continue // whoever changed the password looks after the account now
		}
		caller, err := d.login(ctx, account)
		if err != nil {
			return nil, err
		}
		if account.Role == "STAFF" {
			err = d.fillShelves(ctx, caller)
		} else {
			err = fillWallet(ctx, caller)
		}
		if err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

func (d demo) login(ctx context.Context, account user.DemoAccount) (Caller, error) {
	users := userv1connect.NewUserServiceClient(d.shop.HTTP, d.shop.URL, d.shop.Options()...)
	res, err := users.Login(ctx, &userv1.LoginRequest{Email: account.Email, Password: account.Password})
	if err != nil {
		return Caller{}, fmt.Errorf("signing in as %s: %w", account.Email, err)
	}
	caller := d.shop
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
