package payment_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/payment"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
)

func TestMigrationsMakeTheSchema(t *testing.T) {
	databasetest.Each(t, payment.Migrations(), func(t *testing.T, kept *database.DB) {
		databasetest.AssertCurrent(t, kept, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			return db.NewClient(db.Driver(driver)).Schema.WriteTo(ctx, w)
		})
	})
}

func TestTheLedgerOnlyGrows(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		_, err := client.TopUpWallet(t.Context(), topUp(save(t, client, good), 1_000))
		require.NoError(t, err)
		for _, statement := range []string{
			"UPDATE transfers SET amount = 1", "DELETE FROM transfers", "UPDATE entries SET posted = 1", "DELETE FROM entries",
			"UPDATE wallets SET balance = -1", "UPDATE wallets SET held = balance + 1",
		} {
			require.Error(t, r.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, statement)
				return err
			}), statement)
		}
		r.balanced(t)
	})
}

func TestAWalletIsOpenedByTheFirstMoney(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		user := newID()
		client := r.as(identity.RoleCustomer, user)
		res, err := client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
		require.NoError(t, err)
		require.Equal(t, "EUR", res.GetWallet().GetBalance().GetCurrency())
		require.Zero(t, res.GetWallet().GetVersion())
		var wallets int
		require.NoError(t, r.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM wallets").Scan(&wallets))
		require.Zero(t, wallets, "looking writes nothing")

		peers := r.shop.Peers("user")
		state := paymentv1connect.NewPaymentStateServiceClient(peers.Client(payment.Name), peers.URL(payment.Name), peers.Options()...)
		hold := func(id string, length time.Duration) (*paymentv1.HoldWalletResponse, error) {
			return state.HoldWallet(t.Context(), &paymentv1.HoldWalletRequest{UserId: user, HoldId: id, Length: durationpb.New(length)})
		}
		first, other, late := newID(), newID(), topUp(save(t, client, good), 100)
		answer, err := hold(first, time.Minute)
		require.NoError(t, err)
		require.True(t, answer.GetEmpty())
		_, err = client.TopUpWallet(t.Context(), late)
		refused(t, err, fault.KindFailedPrecondition, "ACCOUNT_CLOSING")
		_, err = client.SaveCard(t.Context(), card(good))
		refused(t, err, fault.KindFailedPrecondition, "ACCOUNT_CLOSING")
		_, err = hold(other, 0)
		refused(t, err, fault.KindAborted, "ACCOUNT_CLOSING")
		_, err = hold(first, 0)
		require.NoError(t, err)
		_, err = client.TopUpWallet(t.Context(), late)
		require.NoError(t, err)
		answer, err = hold(other, time.Minute)
		require.NoError(t, err)
		require.False(t, answer.GetEmpty())
		_, err = client.TopUpWallet(t.Context(), late)
		require.NoError(t, err, "a repeat is still answered")

		http, url := r.shop.Client(payment.Name)
		direct := paymentv1connect.NewPaymentStateServiceClient(http, url, r.shop.As(identity.RoleStaff, newID()))
		_, err = direct.HoldWallet(t.Context(), &paymentv1.HoldWalletRequest{UserId: user, HoldId: other, Length: durationpb.New(0)})
		refused(t, err, fault.KindPermissionDenied, "SERVICE_REQUIRED")
	})
}

func TestTransactionsAreListedInPages(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		id := save(t, client, good)
		for amount := int64(101); amount <= 105; amount++ {
			_, err := client.TopUpWallet(t.Context(), topUp(id, amount))
			require.NoError(t, err)
		}
		var amounts []int64
		req := &paymentv1.ListTransactionsRequest{PageSize: 2}
		for pages := 1; ; pages++ {
			res, err := client.ListTransactions(t.Context(), req)
			require.NoError(t, err)
			for _, tx := range res.GetTransactions() {
				require.Equal(t, paymentv1.TransactionKind_TRANSACTION_KIND_TOP_UP, tx.GetKind())
				require.Empty(t, tx.GetOrderId())
				amounts = append(amounts, tx.GetAmount().GetMinorUnits())
			}
			if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
				require.Equal(t, 3, pages)
				break
			}
		}
		require.Equal(t, []int64{105, 104, 103, 102, 101}, amounts)
		res, err := r.customer().ListTransactions(t.Context(), &paymentv1.ListTransactionsRequest{})
		require.NoError(t, err)
		require.Empty(t, res.GetTransactions(), "others see their own")
		_, err = client.ListTransactions(t.Context(), &paymentv1.ListTransactionsRequest{PageToken: "?"})
		refused(t, err, fault.KindInvalid, "PAGE_TOKEN_INVALID")
	})
}

func TestCards(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		res, err := client.SaveCard(t.Context(), &paymentv1.SaveCardRequest{Number: "5555555555554444", ExpMonth: 2, ExpYear: 2098, Cvc: "987"})
		require.NoError(t, err)
		saved := res.GetCard()
		require.Equal(t, "mastercard 4444 2/2098", strings.Join([]string{saved.GetBrand(), saved.GetLast4(), "2/2098"}, " "))
		second := save(t, client, good)
		list, err := client.ListCards(t.Context(), &paymentv1.ListCardsRequest{})
		require.NoError(t, err)
		require.Len(t, list.GetCards(), 2)
		require.Equal(t, []string{second, saved.GetId()}, []string{list.GetCards()[0].GetId(), list.GetCards()[1].GetId()})

		_, err = client.DeleteCard(t.Context(), &paymentv1.DeleteCardRequest{Id: second})
		require.NoError(t, err)
		_, err = client.DeleteCard(t.Context(), &paymentv1.DeleteCardRequest{Id: second})
		refused(t, err, fault.KindNotFound, "CARD_NOT_FOUND")

		for range 9 {
			save(t, client, good)
		}
		_, err = client.SaveCard(t.Context(), card(good))
		refused(t, err, fault.KindFailedPrecondition, "TOO_MANY_CARDS")
	})
}

func TestACardThatCantBeRight(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		now := time.Now().UTC()
		past := now.AddDate(0, -1, 1-now.Day())
		for field, req := range map[string]*paymentv1.SaveCardRequest{
			"number":   card("4242424242424241"),
			"exp_year": {Number: good, ExpMonth: int32(past.Month()), ExpYear: int32(past.Year()), Cvc: "123"},
			"cvc":      {Number: good, ExpMonth: 12, ExpYear: 2099, Cvc: "1234"},
		} {
			_, err := client.SaveCard(t.Context(), req)
			f := refused(t, err, fault.KindInvalid, "CARD_INVALID")
			require.Len(t, f.Fields, 1)
			require.Equal(t, field, f.Fields[0].Path)
			require.NotContains(t, err.Error(), req.GetNumber())
		}
		_, err := client.SaveCard(t.Context(), &paymentv1.SaveCardRequest{Number: good, ExpMonth: int32(now.Month()), ExpYear: int32(now.Year()), Cvc: "123"})
		require.NoError(t, err, "a card is good until the end of its month")
	})
}

func TestCardNumbersAreKeptNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payment.db")
	kept, err := database.Open(t.Context(), database.Config{URL: "sqlite://" + path})
	require.NoError(t, err)
	require.NoError(t, database.Migrate(t.Context(), kept, payment.Migrations()...))
	const number = "4111111111111111"
	t.Run("use", func(t *testing.T) {
		client := run(t, kept, quick(), true).customer()
		_, err = client.TopUpWallet(t.Context(), topUp(save(t, client, number), 1_000))
		require.NoError(t, err)
	})
	require.NoError(t, kept.Close()) // folds the log into the file
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(content), number[12:])
	require.NotContains(t, string(content), number)
}

func TestStaffSeePayments(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		_, err := r.admin(identity.RoleCustomer).GetTrialBalance(t.Context(), &paymentv1.GetTrialBalanceRequest{})
		refused(t, err, fault.KindPermissionDenied, "STAFF_REQUIRED")

		orders := []string{newID(), newID(), newID()}
		require.NoError(t, r.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, order := range orders {
				_, err := tx.Exec(ctx, `INSERT INTO payments (id, order_id, user_id, method, state, amount, currency, decline_reason, created_at, updated_at)
					VALUES (?, ?, ?, 'wallet', 'DECLINED', 5, 'EUR', 'INSUFFICIENT_FUNDS', ?, ?)`,
					newID(), order, newID(), tx.Now(), tx.Now())
				if err != nil {
					return err
				}
			}
			return nil
		}))
		staff := r.admin(identity.RoleStaff)
		first, err := staff.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{PageSize: 2})
		require.NoError(t, err)
		require.Len(t, first.GetPayments(), 2)
		require.Equal(t, orders[2], first.GetPayments()[0].GetOrderId())
		rest, err := staff.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
		require.NoError(t, err)
		require.Len(t, rest.GetPayments(), 1)
		require.Empty(t, rest.GetNextPageToken())
		one, err := staff.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{OrderId: orders[1]})
		require.NoError(t, err)
		require.Len(t, one.GetPayments(), 1)
		require.Equal(t, paymentv1.PaymentState_PAYMENT_STATE_DECLINED, one.GetPayments()[0].GetState())
		_, err = staff.ListPayments(t.Context(), &paymentv1.ListPaymentsRequest{OrderId: orders[1], PageToken: first.GetNextPageToken()})
		refused(t, err, fault.KindInvalid, "PAGE_TOKEN_INVALID")
	})
}

func TestAShopWithoutAProviderTakesNoCards(t *testing.T) {
	db := databasetest.SQLite(t, payment.Migrations()...)
	user, demo := newID(), run(t, db, quick(), true)
	before := topUp(save(t, demo.as(identity.RoleCustomer, user), good), 100)
	_, err := demo.as(identity.RoleCustomer, user).TopUpWallet(t.Context(), before)
	require.NoError(t, err)
	cards, err := demo.as(identity.RoleCustomer, user).ListCards(t.Context(), &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	require.True(t, cards.GetCardsAvailable())

	client := run(t, db, quick(), false).as(identity.RoleCustomer, user)
	_, err = client.SaveCard(t.Context(), card(good))
	refused(t, err, fault.KindFailedPrecondition, "CARDS_UNAVAILABLE")
	_, err = client.TopUpWallet(t.Context(), topUp(before.GetCardId(), 100))
	refused(t, err, fault.KindFailedPrecondition, "CARDS_UNAVAILABLE")
	_, err = client.TopUpWallet(t.Context(), before)
	require.NoError(t, err, "a repeat is still answered")
	cards, err = client.ListCards(t.Context(), &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	require.False(t, cards.GetCardsAvailable())
	wallet, err := client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
	require.NoError(t, err)
	require.EqualValues(t, 100, wallet.GetWallet().GetBalance().GetMinorUnits())
}

func TestConfigIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(*payment.Config){
		"wallet-limit":        func(c *payment.Config) { c.WalletLimit = 0 },
		"top-up-wait":         func(c *payment.Config) { c.TopUpWait = time.Minute },
		"intent-retry":        func(c *payment.Config) { c.IntentRetry = 0 },
		"card-webhook-url":    func(c *payment.Config) { c.CardWebhookURL = "somewhere" },
		"webhook-secret-file": func(c *payment.Config) {},
	} {
		cfg := payment.DefaultConfig()
		spoil(&cfg)
		_, err := payment.New(cfg, payment.Deps{Kit: module.Kit{Log: slog.New(slog.DiscardHandler)}})
		require.ErrorContains(t, err, name)
	}
}
