package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/payment/internal/domain"
)

// row is one line of the state machine as people read it.
type row struct {
	method    domain.Method
	state     domain.State
	cancelled bool // before
	trigger   domain.Trigger

	next      domain.State
	cancels   bool // after
	transfers []domain.TransferKind
	ask       domain.Operation
	withdraw  domain.Operation
	announce  []domain.Announcement
	early     bool
}

// table holds every change; what it does not name changes nothing.
var table = []row{
	{
		method: domain.ByWallet, state: domain.Authorized, trigger: domain.OrderConfirmed, next: domain.Captured,
		transfers: []domain.TransferKind{domain.Take}, announce: []domain.Announcement{domain.AnnounceCaptured},
	},
	{
		method: domain.ByWallet, state: domain.Authorized, trigger: domain.OrderCancelled, next: domain.Voided, cancels: true,
		transfers: []domain.TransferKind{domain.Release}, announce: []domain.Announcement{domain.AnnounceVoided},
	},
	{
		method: domain.ByWallet, state: domain.Captured, trigger: domain.OrderCancelled, next: domain.Refunded, cancels: true,
		transfers: []domain.TransferKind{domain.GiveBack}, announce: []domain.Announcement{domain.AnnounceRefunded},
	},

	{method: domain.ByCard, state: domain.Authorizing, trigger: domain.OrderConfirmed, next: domain.Authorizing, early: true},
	{method: domain.ByCard, state: domain.Authorizing, trigger: domain.OrderCancelled, next: domain.Authorizing, cancels: true, withdraw: domain.Authorize},
	{
		method: domain.ByCard, state: domain.Authorizing, trigger: domain.MoneyAuthorized, next: domain.Authorized,
		transfers: []domain.TransferKind{domain.Hold}, announce: []domain.Announcement{domain.AnnounceAuthorized},
	},
	{
		method: domain.ByCard, state: domain.Authorizing, trigger: domain.AuthorizationDeclined, next: domain.Declined,
		announce: []domain.Announcement{domain.AnnounceDeclined},
	},
	{
		method: domain.ByCard, state: domain.Authorizing, cancelled: true, trigger: domain.NeverAsked, next: domain.Voided, cancels: true,
		announce: []domain.Announcement{domain.AnnounceVoided},
	},
	{
		method: domain.ByCard, state: domain.Authorizing, cancelled: true, trigger: domain.MoneyAuthorized, next: domain.Voiding, cancels: true,
		transfers: []domain.TransferKind{domain.Hold}, ask: domain.Void,
	},
	{
		method: domain.ByCard, state: domain.Authorizing, cancelled: true, trigger: domain.AuthorizationDeclined, next: domain.Declined, cancels: true,
		announce: []domain.Announcement{domain.AnnounceDeclined},
	},

	{method: domain.ByCard, state: domain.Authorized, trigger: domain.OrderConfirmed, next: domain.Capturing, ask: domain.Capture},
	{method: domain.ByCard, state: domain.Authorized, trigger: domain.OrderCancelled, next: domain.Voiding, cancels: true, ask: domain.Void},

	{method: domain.ByCard, state: domain.Capturing, trigger: domain.OrderCancelled, next: domain.Capturing, cancels: true},
	{
		method: domain.ByCard, state: domain.Capturing, trigger: domain.MoneyCaptured, next: domain.Captured,
		transfers: []domain.TransferKind{domain.Take}, announce: []domain.Announcement{domain.AnnounceCaptured},
	},
	{
		method: domain.ByCard, state: domain.Capturing, trigger: domain.CaptureDeclined, next: domain.Declined,
		transfers: []domain.TransferKind{domain.Release}, announce: []domain.Announcement{domain.AnnounceDeclined},
	},
	{
		method: domain.ByCard, state: domain.Capturing, cancelled: true, trigger: domain.MoneyCaptured, next: domain.Refunding, cancels: true,
		transfers: []domain.TransferKind{domain.Take}, ask: domain.Refund, announce: []domain.Announcement{domain.AnnounceCaptured},
	},
	{
		method: domain.ByCard, state: domain.Capturing, cancelled: true, trigger: domain.CaptureDeclined, next: domain.Declined, cancels: true,
		transfers: []domain.TransferKind{domain.Release}, announce: []domain.Announcement{domain.AnnounceDeclined},
	},

	{method: domain.ByCard, state: domain.Captured, trigger: domain.OrderCancelled, next: domain.Refunding, cancels: true, ask: domain.Refund},
	{
		method: domain.ByCard, state: domain.Voiding, cancelled: true, trigger: domain.HoldVoided, next: domain.Voided, cancels: true,
		transfers: []domain.TransferKind{domain.Release}, announce: []domain.Announcement{domain.AnnounceVoided},
	},
	{
		method: domain.ByCard, state: domain.Refunding, cancelled: true, trigger: domain.MoneyRefunded, next: domain.Refunded, cancels: true,
		transfers: []domain.TransferKind{domain.GiveBack}, announce: []domain.Announcement{domain.AnnounceRefunded},
	},
}

// reachable reports whether a payment can be in the state at all.
func reachable(method domain.Method, state domain.State, cancelled bool) bool {
	switch {
	case method == domain.ByWallet && state.Waits() != "":
		return false
	case state == domain.Voiding, state == domain.Voided, state == domain.Refunding, state == domain.Refunded:
		return cancelled
	case state == domain.Authorized, state == domain.Captured:
		return !cancelled
	case method == domain.ByWallet && state == domain.Declined:
		return !cancelled
	}
	return true
}

func TestEveryTriggerInEveryStateIsDecided(t *testing.T) {
	named := 0
	for _, method := range []domain.Method{domain.ByWallet, domain.ByCard} {
		for _, state := range domain.States {
			for _, cancelled := range []bool{false, true} {
				for _, trigger := range domain.Triggers {
					if !reachable(method, state, cancelled) {
						continue
					}
					p := domain.Payment{Method: method, State: state, CancelRequested: cancelled, Amount: 100}
					step, changed, err := p.Decide(trigger)
					want, found := find(method, state, cancelled, trigger)
					if found {
						named++
					}
					if want.early {
						require.ErrorIs(t, err, domain.ErrTooEarly)
						require.False(t, changed)
						continue
					}
					require.NoError(t, err)
					require.Equal(t, found, changed, "%s %s cancelled=%v trigger %d", method, state, cancelled, trigger)
					if !changed {
						require.Equal(t, state, step.Next)
						continue
					}
					require.Equal(t, domain.Step{
						Next: want.next, CancelRequested: want.cancels, Transfers: want.transfers, Ask: want.ask,
						Withdraw: want.withdraw, Announce: want.announce,
					}, step, "%s %s cancelled=%v trigger %d", method, state, cancelled, trigger)
					require.True(t, reachable(method, step.Next, step.CancelRequested), "it leads to a state that can't be")
					require.Equal(t, step.Ask != "" || step.Next == state && state.Waits() != "", step.Next.Waits() != "",
						"a payment waits for the provider if and only if it was asked")
				}
			}
		}
	}
	require.Equal(t, len(table), named, "a line of the table was never looked at")
}

func find(method domain.Method, state domain.State, cancelled bool, trigger domain.Trigger) (row, bool) {
	for _, r := range table {
		if r.method == method && r.state == state && r.cancelled == cancelled && r.trigger == trigger {
			return r, true
		}
	}
	return row{}, false
}

// The money follows the state, whatever happens in whatever order.
func TestRandomLivesKeepTheBooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := domain.Payment{ID: "p", OrderID: "o", UserID: "u", Amount: rapid.Int64Range(1, 1_000_000).Draw(t, "amount"), State: domain.Authorizing, Method: domain.ByCard}
		books := map[domain.Account]*domain.Entry{domain.Wallets: {}, domain.CardClearing: {}, domain.Revenue: {}}
		book := func(kind domain.TransferKind) {
			transfer := p.Transfer(kind, "t-"+string(kind), p.CreatedAt)
			require.NoError(t, transfer.Validate())
			for _, e := range transfer.Entries {
				books[e.Account].Posted += e.Posted
				books[e.Account].Pending += e.Pending
			}
		}
		if rapid.Bool().Draw(t, "wallet") {
			p.Method, p.State, p.HoldID = domain.ByWallet, domain.Authorized, "hold"
			book(domain.Hold)
		}
		announced := map[domain.Announcement]int{}
		for _, trigger := range rapid.SliceOfN(rapid.SampledFrom(domain.Triggers), 0, 30).Draw(t, "triggers") {
			step, changed, err := p.Decide(trigger)
			if err != nil || !changed {
				continue
			}
			p = p.After(step)
			for _, kind := range step.Transfers {
				if kind == domain.Hold {
					p.HoldID = "hold"
				}
				book(kind)
			}
			for _, what := range step.Announce {
				announced[what]++
			}
		}
		for what, times := range announced {
			require.Equal(t, 1, times, "%s was announced %d times", what, times)
		}
		source, revenue := books[domain.CardClearing], books[domain.Revenue]
		if p.Method == domain.ByWallet {
			source = books[domain.Wallets]
		}
		require.Equal(t, p.Captured-p.Refunded, revenue.Posted)
		require.Equal(t, -revenue.Posted, source.Posted)
		require.Equal(t, -revenue.Pending, source.Pending)
		if p.State.Holds() {
			require.Equal(t, p.Amount, revenue.Pending)
		} else {
			require.Zero(t, revenue.Pending)
		}
		if p.CancelRequested && p.State.Waits() == "" {
			require.Zero(t, revenue.Posted, "a cancelled order that is settled costs nothing")
		}
	})
}
