package flow_test

import (
	"flag"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
)

func TestWalletPaysForAnOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 10_000)
		o := newOrder(user, 3_000, byWallet())

		w.handle(t, o.placed())
		require.Equal(t, domain.Authorized, w.payment(t, o).State)
		require.Equal(t, domain.Wallet{UserID: user, Balance: 10_000, Held: 3_000, Version: 2}, w.wallet(t, user))

		w.handle(t, o.confirmed())
		p := w.payment(t, o)
		require.Equal(t, domain.Captured, p.State)
		require.Equal(t, int64(3_000), p.Captured)
		require.Equal(t, domain.Wallet{UserID: user, Balance: 7_000, Version: 3}, w.wallet(t, user))

		w.handle(t, o.cancelled())
		require.Equal(t, domain.Refunded, w.payment(t, o).State)
		require.Equal(t, domain.Wallet{UserID: user, Balance: 10_000, Version: 4}, w.wallet(t, user))

		require.Equal(t, []string{"PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"}, w.events(t, o.id))
		require.Len(t, w.events(t, user), 4, "each change of the wallet is told")
		w.balanced(t)
	})
}

func TestAnOrderThatCantBePaidIsDeclined(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1_000)
		for reason, o := range map[string]order{
			domain.ReasonInsufficientFunds: newOrder(user, 1_001, byWallet()),
			domain.ReasonCardNotFound:      newOrder(user, 100, byCard(w.card(t, newID(), "4242424242424242"))), // somebody else's
			domain.ReasonInstruction:       newOrder(user, 100, nil),
		} {
			w.handle(t, o.placed(), o.placed())
			p := w.payment(t, o)
			require.Equal(t, domain.Declined, p.State)
			require.Equal(t, reason, p.DeclineReason)
			require.Equal(t, []string{"PaymentDeclined"}, w.events(t, o.id))
			w.handle(t, o.confirmed(), o.cancelled())
			require.Equal(t, domain.Declined, w.payment(t, o).State)
		}
		nobody := newOrder(newID(), 5, byWallet()) // never had a wallet
		w.handle(t, nobody.placed())
		require.Equal(t, domain.ReasonInsufficientFunds, w.payment(t, nobody).DeclineReason)
		nothing := newOrder(user, 0, byWallet())
		w.handle(t, nothing.placed())
		require.Equal(t, domain.ReasonInstruction, w.payment(t, nothing).DeclineReason)
		w.balanced(t)
	})
}

func TestCancelledBeforePlacedLeavesATombstone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1_000)
		o := newOrder(user, 100, byWallet())
		w.handle(t, o.cancelled())
		w.handle(t, o.placed(), o.confirmed(), o.cancelled())
		p := w.payment(t, o)
		require.Equal(t, domain.Voided, p.State)
		require.Zero(t, p.Amount)
		require.Empty(t, w.events(t, o.id))
		require.Equal(t, int64(1_000), w.wallet(t, user).Available())
		listed, err := w.store.Payments(t.Context(), o.id, "", 10)
		require.NoError(t, err)
		require.Empty(t, listed, "a tombstone is no payment")
		w.balanced(t)
	})
}

func TestConfirmedWaitsForPlaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1_000)
		o := newOrder(user, 100, byWallet())
		confirmed := o.confirmed()
		outcome := w.orders.Process(t.Context(), []messaging.Message{confirmed})[0]
		require.Equal(t, messaging.Nak, outcome.Action)
		w.handle(t, o.placed(), confirmed)
		require.Equal(t, domain.Captured, w.payment(t, o).State)
	})
}

func TestConfirmedWithAnotherAmountIsSetAside(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1_000)
		o := newOrder(user, 100, byWallet())
		w.handle(t, o.placed())
		o.total = 101
		outcome := w.orders.Process(t.Context(), []messaging.Message{o.confirmed()})[0]
		require.Equal(t, messaging.SetAside, outcome.Action)
		require.Equal(t, domain.Authorized, w.payment(t, o).State)
	})
}

func TestConcurrentHoldsNeverOverdraw(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const orders, price, enough = 100, 100, 37
		user := newID()
		w.deposit(t, user, price*enough+price/2)
		var paid atomic.Int64
		var wait sync.WaitGroup
		for range orders {
			wait.Go(func() {
				o := newOrder(user, price, byWallet())
				for _, outcome := range w.orders.Process(t.Context(), []messaging.Message{o.placed()}) {
					if outcome.Err != nil {
						t.Error(outcome.Err)
					}
				}
				if w.payment(t, o).State == domain.Authorized {
					paid.Add(1)
				}
			})
		}
		wait.Wait()
		require.Equal(t, int64(enough), paid.Load())
		require.Equal(t, int64(price/2), w.wallet(t, user).Available())
		w.balanced(t)
	})
}

// Confirmation and cancellation at the same moment: one of them decides, and the books agree.
func TestConfirmAndCancelRace(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 100_000)
		for range 20 {
			o := newOrder(user, 100, byWallet())
			w.handle(t, o.placed())
			var wait sync.WaitGroup
			for _, msg := range []messaging.Message{o.confirmed(), o.cancelled(), o.cancelled()} {
				wait.Go(func() {
					if outcome := w.orders.Process(t.Context(), []messaging.Message{msg})[0]; outcome.Action != messaging.Ack {
						t.Error(outcome.Err)
					}
				})
			}
			wait.Wait()
			require.Contains(t, []domain.State{domain.Voided, domain.Refunded}, w.payment(t, o).State)
		}
		require.Equal(t, int64(100_000), w.wallet(t, user).Available())
		w.balanced(t)
	})
}

// fewer lowers the number of rapid's checks, unless the command line names one, for a test whose checks take long.
func fewer(t *testing.T, checks string) {
	const name = "rapid.checks"
	before := flag.Lookup(name).Value.String()
	if before != flag.Lookup(name).DefValue {
		return
	}
	require.NoError(t, flag.Set(name, checks))
	t.Cleanup(func() { require.NoError(t, flag.Set(name, before)) })
}

// The wallets and the ledger against the simplest model of them: two numbers a customer.
func TestWalletsFollowTheModel(t *testing.T) {
	type model struct{ balance, held int64 }
	each(t, func(t *testing.T, w *world) {
		fewer(t, "10")
		rapid.Check(t, func(t *rapid.T) {
			users := []string{newID(), newID()}
			wallets := map[string]*model{users[0]: {}, users[1]: {}}
			var held, taken []order
			t.Repeat(map[string]func(*rapid.T){
				"top up": func(t *rapid.T) {
					user, amount := rapid.SampledFrom(users).Draw(t, "user"), rapid.Int64Range(1, 1_000).Draw(t, "amount")
					w.deposit(t, user, amount)
					wallets[user].balance += amount
				},
				"place": func(t *rapid.T) {
					o := newOrder(rapid.SampledFrom(users).Draw(t, "user"), rapid.Int64Range(1, 1_500).Draw(t, "total"), byWallet())
					w.handle(t, o.placed())
					wallet := wallets[o.user]
					if wallet.balance-wallet.held < o.total {
						require.Equal(t, domain.Declined, w.payment(t, o).State)
						return
					}
					require.Equal(t, domain.Authorized, w.payment(t, o).State)
					wallet.held += o.total
					held = append(held, o)
				},
				"confirm": func(t *rapid.T) {
					if len(held) == 0 {
						t.Skip("nothing is held")
					}
					o := held[0]
					held, taken = held[1:], append(taken, o)
					w.handle(t, o.confirmed(), o.confirmed())
					wallets[o.user].held -= o.total
					wallets[o.user].balance -= o.total
				},
				"cancel held": func(t *rapid.T) {
					if len(held) == 0 {
						t.Skip("nothing is held")
					}
					o := held[len(held)-1]
					held = held[:len(held)-1]
					w.handle(t, o.cancelled(), o.confirmed(), o.cancelled())
					wallets[o.user].held -= o.total
				},
				"cancel taken": func(t *rapid.T) {
					if len(taken) == 0 {
						t.Skip("nothing was taken")
					}
					o := taken[0]
					taken = taken[1:]
					w.handle(t, o.cancelled(), o.cancelled())
					wallets[o.user].balance += o.total
				},
				"": func(t *rapid.T) {
					for user, want := range wallets {
						have := w.wallet(t, user)
						require.Equal(t, *want, model{have.Balance, have.Held})
					}
				},
			})
			w.balanced(t)
		})
	})
}
