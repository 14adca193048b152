package payment_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/payment"
)

// Test cards.
const (
	good     = "4242424242424242"
	declined = "4000000000000002"
	slow     = "4000000000000259"
	silent   = "4000000000000275"
	lost     = "4000000000000291"
)

// running is the whole service with the simulated provider, called as customers and staff do.
type running struct {
	db   *database.DB
	shop *rpctest.Shop
	name string
}

// each runs test against the service on either database.
func each(t *testing.T, cfg payment.Config, test func(t *testing.T, r *running)) {
	t.Helper()
	databasetest.Each(t, payment.Migrations(), func(t *testing.T, db *database.DB) {
		test(t, run(t, db, cfg, true))
	})
}

func quick() payment.Config {
	cfg := payment.DefaultConfig()
	cfg.IntentRetry, cfg.CardDelay = 5*time.Millisecond, 100*time.Millisecond
	return cfg
}

func run(t *testing.T, db *database.DB, cfg payment.Config, demo bool) *running {
	t.Helper()
	return runAs(t, rpctest.New(t, payment.Name, "user"), payment.Name, db, cfg, demo, t.TempDir())
}

// runAs runs one replica of the service, which answers under a name of its own. Notices go to the one called payment.
func runAs(t *testing.T, shop *rpctest.Shop, name string, db *database.DB, cfg payment.Config, demo bool, secrets string) *running {
	t.Helper()
	m, err := payment.New(cfg, payment.Deps{
		Kit: module.Kit{
			Log: slog.New(slog.DiscardHandler), Clock: time.Now, DB: db, Peers: shop.Peers(payment.Name),
			HandlerOptions: shop.Options(payment.Name), Demo: demo,
		},
		Secrets: secrets,
	})
	require.NoError(t, err)
	handle := shop.Serve(name)
	for _, h := range m.Handlers {
		handle(h.Pattern, h.Handler)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var loops sync.WaitGroup
	for _, loop := range m.Loops {
		loops.Go(func() {
			if err := loop.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		loops.Wait()
	})
	return &running{db: db, shop: shop, name: name}
}

func (r *running) as(role identity.Role, id string) paymentv1connect.PaymentServiceClient {
	client, url := r.shop.Client(r.name)
	return paymentv1connect.NewPaymentServiceClient(client, url, r.shop.As(role, id))
}

func (r *running) customer() paymentv1connect.PaymentServiceClient {
	return r.as(identity.RoleCustomer, newID())
}

func (r *running) admin(role identity.Role) paymentv1connect.PaymentAdminServiceClient {
	client, url := r.shop.Client(payment.Name)
	return paymentv1connect.NewPaymentAdminServiceClient(client, url, r.shop.As(role, newID()))
}

func card(number string) *paymentv1.SaveCardRequest {
	return &paymentv1.SaveCardRequest{Number: number, ExpMonth: 12, ExpYear: 2099, Cvc: "123"}
}

func save(t *testing.T, client paymentv1connect.PaymentServiceClient, number string) string {
	t.Helper()
	res, err := client.SaveCard(t.Context(), card(number))
	require.NoError(t, err)
	return res.GetCard().GetId()
}

func topUp(cardID string, amount int64) *paymentv1.TopUpWalletRequest {
	return &paymentv1.TopUpWalletRequest{RequestId: newID(), CardId: cardID, AmountMinorUnits: amount}
}

// refused requires an error of a kind with a reason.
func refused(t *testing.T, err error, kind fault.Kind, reason string) *fault.Error {
	t.Helper()
	var f *fault.Error
	require.ErrorAs(t, rpc.Fault(err), &f)
	require.Equal(t, reason, f.Reason)
	require.Equal(t, kind, f.Kind)
	return f
}

// balanced waits until every invariant holds.
func (r *running) balanced(t *testing.T) {
	t.Helper()
	admin := r.admin(identity.RoleStaff)
	require.Eventually(t, func() bool {
		res, err := admin.CheckInvariants(t.Context(), &paymentv1.CheckInvariantsRequest{})
		if err != nil || len(res.GetInvariants()) != 8 {
			return false
		}
		for _, invariant := range res.GetInvariants() {
			if !strings.HasSuffix(invariant.GetStatus().String(), "_OK") {
				return false
			}
		}
		return true
	}, 10*time.Second, 10*time.Millisecond)
	trial, err := admin.GetTrialBalance(t.Context(), &paymentv1.GetTrialBalanceRequest{})
	require.NoError(t, err)
	require.True(t, trial.GetBalanced())
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
