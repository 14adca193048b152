package payment_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/payment"
)

func TestTopUpChargesOnce(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		for _, number := range []string{good, slow, silent, lost} {
			client := r.customer()
			req := topUp(save(t, client, number), 2_500)
			first, err := client.TopUpWallet(t.Context(), req)
			require.NoError(t, err, number)
			require.Equal(t, int64(2_500), first.GetWallet().GetBalance().GetMinorUnits())
			require.Equal(t, int64(1), first.GetWallet().GetVersion())

			_, err = client.TopUpWallet(t.Context(), topUp(req.GetCardId(), 100))
			require.NoError(t, err)
			again, err := client.TopUpWallet(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, first.GetWallet().GetBalance().GetMinorUnits(), again.GetWallet().GetBalance().GetMinorUnits(), "a repeat gets the first answer")
			require.Equal(t, first.GetWallet().GetVersion(), again.GetWallet().GetVersion())

			other := topUp(req.GetCardId(), 2_501)
			other.RequestId = req.GetRequestId()
			_, err = client.TopUpWallet(t.Context(), other)
			refused(t, err, fault.KindAlreadyExists, "REQUEST_ID_REUSED")

			wallet, err := client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
			require.NoError(t, err)
			require.Equal(t, int64(2_600), wallet.GetWallet().GetAvailable().GetMinorUnits())
		}
		r.balanced(t)
		require.Eventually(t, func() bool { // the provider reaches the webhook
			var notices int
			return r.db.QueryRow(t.Context(), "SELECT SUM(notices) FROM simulated_operations").Scan(&notices) == nil && notices == 0
		}, 10*time.Second, 10*time.Millisecond)
	})
}

func TestTheSameTopUpManyTimesAtOnce(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		req := topUp(save(t, client, good), 1_000)
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				res, err := client.TopUpWallet(t.Context(), req)
				if err != nil || res.GetWallet().GetBalance().GetMinorUnits() != 1_000 {
					t.Errorf("%v %v", res, err)
				}
			})
		}
		wait.Wait()
		r.balanced(t)
	})
}

// Two replicas on one database: a card that one of them saved is charged by the other, both are asked for the same top-up at
// once, and the provider's webhooks reach whichever they reach.
func TestReplicasChargeOnce(t *testing.T) {
	databasetest.Each(t, payment.Migrations(), func(t *testing.T, db *database.DB) {
		shop, secrets := rpctest.New(t, payment.Name, "user"), t.TempDir()
		hears := runAs(t, shop, payment.Name, db, quick(), true, secrets)
		other := runAs(t, shop, "payment-2", db, quick(), true, secrets)
		const twice = "4000000000000267"
		for _, number := range []string{good, slow, silent, lost, twice} {
			user := newID()
			a, b := hears.as(identity.RoleCustomer, user), other.as(identity.RoleCustomer, user)
			req := topUp(save(t, a, number), 1_000)
			var wait sync.WaitGroup
			for i := range 6 {
				wait.Go(func() {
					res, err := []paymentv1connect.PaymentServiceClient{a, b}[i%2].TopUpWallet(t.Context(), req)
					if err != nil || res.GetWallet().GetBalance().GetMinorUnits() != 1_000 {
						t.Errorf("%s: %v %v", number, res, err)
					}
				})
			}
			wait.Wait()
		}
		var charges, notices int
		require.Eventually(t, func() bool {
			err := db.QueryRow(t.Context(), "SELECT COUNT(*), SUM(notices) FROM simulated_operations").Scan(&charges, &notices)
			return err == nil && notices == 0
		}, 10*time.Second, 10*time.Millisecond)
		require.Equal(t, 5, charges)
		hears.balanced(t)
	})
}

func TestADeclinedTopUpStaysDeclined(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		req := topUp(save(t, client, declined), 1_000)
		for range 2 {
			_, err := client.TopUpWallet(t.Context(), req)
			f := refused(t, err, fault.KindFailedPrecondition, "CARD_DECLINED")
			require.Equal(t, "CARD_DECLINED", f.Metadata["decline_reason"])
		}
		wallet, err := client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
		require.NoError(t, err)
		require.Zero(t, wallet.GetWallet().GetBalance().GetMinorUnits())
		r.balanced(t)
	})
}

func TestRefusedTopUpsLeaveNoTrace(t *testing.T) {
	cfg := quick()
	cfg.WalletLimit = 10_000
	each(t, cfg, func(t *testing.T, r *running) {
		client := r.customer()
		req := topUp(newID(), 9_000)
		_, err := client.TopUpWallet(t.Context(), req)
		refused(t, err, fault.KindNotFound, "CARD_NOT_FOUND")
		req.CardId = save(t, client, good) // another request under the same id, since the first left no trace
		_, err = client.TopUpWallet(t.Context(), req)
		require.NoError(t, err)

		more := topUp(req.GetCardId(), 1_001)
		_, err = client.TopUpWallet(t.Context(), more)
		refused(t, err, fault.KindFailedPrecondition, "WALLET_LIMIT")
		more.AmountMinorUnits = 1_000
		_, err = client.TopUpWallet(t.Context(), more)
		require.NoError(t, err)
		r.balanced(t)
	})
}

func TestConcurrentTopUpsKeepTheLimit(t *testing.T) {
	cfg := quick()
	cfg.WalletLimit = 3_000
	each(t, cfg, func(t *testing.T, r *running) {
		client := r.customer()
		id := save(t, client, good)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				_, _ = client.TopUpWallet(t.Context(), topUp(id, 1_000))
			})
		}
		wait.Wait()
		r.balanced(t)
		wallet, err := client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
		require.NoError(t, err)
		require.Equal(t, int64(3_000), wallet.GetWallet().GetBalance().GetMinorUnits())
	})
}

// The customer stops waiting, the charge goes on; a repeat finds it done.
func TestATopUpWhoseOutcomeTakesLongerThanTheCall(t *testing.T) {
	cfg := quick()
	cfg.TopUpWait, cfg.CardDelay = 30*time.Millisecond, 300*time.Millisecond
	each(t, cfg, func(t *testing.T, r *running) {
		client := r.customer()
		req := topUp(save(t, client, slow), 1_000)
		_, err := client.TopUpWallet(t.Context(), req)
		refused(t, err, fault.KindUnavailable, "PROVIDER_UNAVAILABLE")
		require.Eventually(t, func() bool {
			res, err := client.TopUpWallet(t.Context(), req)
			return err == nil && res.GetWallet().GetBalance().GetMinorUnits() == 1_000
		}, 10*time.Second, 20*time.Millisecond)
		r.balanced(t)
	})
}

// The process dies after the provider took the money and before that was written down. The card's webhook never comes.
func TestATopUpThatWasKilledIsFinishedByItsRepeat(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		req := topUp(save(t, client, silent), 1_000)
		first, err := client.TopUpWallet(t.Context(), req)
		require.NoError(t, err)
		// What the commit wrote is undone, the provider's books stay.
		require.NoError(t, r.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, statement := range []string{
				"UPDATE top_ups SET state = 'PENDING', wallet_balance = 0, wallet_version = 0",
				"UPDATE wallets SET balance = 0, incoming = 1000, version = 0",
				"UPDATE intents SET open = true, next_attempt_at = '2099-01-01 00:00:00+00:00'",
				"DELETE FROM outbox",
			} {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return err
				}
			}
			return forgetTransfers(ctx, tx)
		}))
		again, err := client.TopUpWallet(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, first.GetWallet().GetBalance().GetMinorUnits(), again.GetWallet().GetBalance().GetMinorUnits())
		var charges int
		require.NoError(t, r.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM simulated_operations").Scan(&charges))
		require.Equal(t, 1, charges)
		r.balanced(t)
	})
}

// forgetTransfers empties the ledger, which takes more than a DELETE.
func forgetTransfers(ctx context.Context, tx *database.Tx) error {
	statements := []string{
		"ALTER TABLE entries DISABLE TRIGGER USER", "DELETE FROM entries", "ALTER TABLE entries ENABLE TRIGGER USER",
		"ALTER TABLE transfers DISABLE TRIGGER USER", "DELETE FROM transfers", "ALTER TABLE transfers ENABLE TRIGGER USER",
	}
	if tx.Dialect() == "sqlite3" {
		statements = []string{"DROP TRIGGER entries_no_delete", "DELETE FROM entries", "DROP TRIGGER transfers_no_delete", "DELETE FROM transfers"}
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// A customer who deletes the account tops the wallet up at the same time: the money is seen by who asks whether the wallet is
// empty, or it is never taken.
func TestNoTopUpSlipsPastAHold(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		peers := r.shop.Peers("user")
		state := paymentv1connect.NewPaymentStateServiceClient(peers.Client(payment.Name), peers.URL(payment.Name), peers.Options()...)
		won := map[bool]int{}
		for range 20 {
			user := newID()
			client := r.as(identity.RoleCustomer, user)
			req := topUp(save(t, client, good), 1_000)
			var empty bool
			var filled error
			var both sync.WaitGroup
			ready := make(chan struct{})
			both.Go(func() {
				<-ready
				_, filled = client.TopUpWallet(t.Context(), req)
			})
			both.Go(func() {
				<-ready
				res, err := state.HoldWallet(t.Context(), &paymentv1.HoldWalletRequest{UserId: user, HoldId: newID(), Length: durationpb.New(time.Minute)})
				if err != nil {
					t.Error(err)
				}
				empty = res.GetEmpty()
			})
			close(ready)
			both.Wait()
			if filled != nil {
				refused(t, filled, fault.KindFailedPrecondition, "ACCOUNT_CLOSING")
			}
			require.Equal(t, filled == nil, !empty)
			won[empty]++
		}
		t.Log("holds that came first, or did not:", won)
		r.balanced(t)
	})
}

func TestTopUpsFailClosedWhenRevocationsAreUnheard(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		client := r.customer()
		id := save(t, client, good)
		r.shop.Revocations.SetDeaf(true)
		_, err := client.TopUpWallet(t.Context(), topUp(id, 1_000))
		refused(t, err, fault.KindUnavailable, "REVOCATIONS_UNAVAILABLE")
		_, err = client.GetWallet(t.Context(), &paymentv1.GetWalletRequest{})
		require.NoError(t, err, "reads go on")
	})
}

func TestSomebodyElsesCardCantBeCharged(t *testing.T) {
	each(t, quick(), func(t *testing.T, r *running) {
		id := save(t, r.customer(), good)
		thief := r.customer()
		_, err := thief.TopUpWallet(t.Context(), topUp(id, 1_000))
		refused(t, err, fault.KindNotFound, "CARD_NOT_FOUND")
		_, err = thief.DeleteCard(t.Context(), &paymentv1.DeleteCardRequest{Id: id})
		refused(t, err, fault.KindNotFound, "CARD_NOT_FOUND")
		_, err = r.as(identity.RoleGuest, newID()).TopUpWallet(t.Context(), topUp(id, 1_000))
		refused(t, err, fault.KindPermissionDenied, "CUSTOMER_REQUIRED")
	})
}
