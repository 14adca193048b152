package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/payment/internal/domain"
)

func TestTransfersSumToZeroAndMoveTheWallet(t *testing.T) {
	wallet := domain.Payment{ID: "p", OrderID: "o", UserID: "u", Method: domain.ByWallet, Amount: 250, HoldID: "h"}
	for kind, want := range map[domain.TransferKind]struct{ balance, held int64 }{
		domain.Hold:     {0, 250},
		domain.Take:     {-250, -250},
		domain.Release:  {0, -250},
		domain.GiveBack: {250, 0},
	} {
		transfer := wallet.Transfer(kind, "t", time.Time{})
		require.NoError(t, transfer.Validate(), kind)
		balance, held, incoming := transfer.WalletChange()
		require.Equal(t, want.balance, balance, kind)
		require.Equal(t, want.held, held, kind)
		require.Zero(t, incoming, kind)
		require.Equal(t, "u", transfer.WalletID)

		card := wallet
		card.Method = domain.ByCard
		transfer = card.Transfer(kind, "t", time.Time{})
		require.NoError(t, transfer.Validate(), kind)
		require.Empty(t, transfer.WalletID, "a card payment leaves the wallet alone")
		balance, held, _ = transfer.WalletChange()
		require.Zero(t, balance)
		require.Zero(t, held)
	}
	topUp := domain.TopUpTransfer("top", "u", 900, "t", time.Time{})
	require.NoError(t, topUp.Validate())
	balance, held, incoming := topUp.WalletChange()
	require.Equal(t, []int64{900, 0, -900}, []int64{balance, held, incoming})
}

func TestValidateRefusesMoneyFromNowhere(t *testing.T) {
	good := domain.TopUpTransfer("top", "u", 900, "t", time.Time{})
	for name, spoil := range map[string]func(*domain.Transfer){
		"one entry":       func(x *domain.Transfer) { x.Entries = x.Entries[:1] },
		"posted differs":  func(x *domain.Transfer) { x.Entries[0].Posted++ },
		"pending differs": func(x *domain.Transfer) { x.Entries[1].Pending-- },
		"no amount":       func(x *domain.Transfer) { x.Amount = 0 },
		"no reference":    func(x *domain.Transfer) { x.Reference = "" },
		"no owner":        func(x *domain.Transfer) { x.Entries[0].WalletID = "" },
		"owned revenue":   func(x *domain.Transfer) { x.Entries[1].WalletID = "u" },
		"resolves":        func(x *domain.Transfer) { x.Resolves = "h" },
		"resolves none":   func(x *domain.Transfer) { x.Kind = domain.Take },
	} {
		bad := good
		bad.Entries = append([]domain.Entry(nil), good.Entries...)
		spoil(&bad)
		require.Error(t, bad.Validate(), name)
	}
}

func TestRetryDelayGrowsAndIsCapped(t *testing.T) {
	require.Equal(t, time.Second, domain.RetryDelay(time.Second, 0))
	require.Equal(t, time.Second, domain.RetryDelay(time.Second, 1))
	require.Equal(t, 4*time.Second, domain.RetryDelay(time.Second, 3))
	require.Equal(t, time.Minute, domain.RetryDelay(time.Second, 7))
	require.Equal(t, time.Minute, domain.RetryDelay(time.Second, 1_000_000))
}

func TestTopUpIDBelongsToCallerAndRequest(t *testing.T) {
	require.Equal(t, domain.TopUpID("u", "r"), domain.TopUpID("u", "r"))
	require.NotEqual(t, domain.TopUpID("u", "r"), domain.TopUpID("v", "r"))
	require.NotEqual(t, domain.TopUpID("u", "r"), domain.TopUpID("u", "s"))
}
