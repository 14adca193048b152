package domain

import (
	"fmt"
	"time"
)

// TransferKind says why money moves.
type TransferKind string

// The kinds. A hold is pending; taking or releasing resolves it, once.
const (
	TopUp    TransferKind = "TOP_UP"
	Hold     TransferKind = "HOLD"
	Take     TransferKind = "CAPTURE"
	Release  TransferKind = "VOID"
	GiveBack TransferKind = "REFUND"
)

// Account is a kind of ledger account. A positive sum is what the shop owes or earned, a negative one what it is owed.
type Account string

// The accounts. Wallets are one account per customer; the others belong to the house.
const (
	Wallets      Account = "wallets"
	CardClearing Account = "card_clearing" // what the card provider took and hasn't paid out
	Revenue      Account = "revenue"
)

// Entry is what a transfer does to one account. It moves money on two layers: what is posted, and what is pending and will
// be posted or vanish.
type Entry struct {
	Account  Account
	WalletID string // the customer's id for Wallets, else ""
	Posted   int64
	Pending  int64
}

// Transfer is an immutable movement of money between accounts. Corrections are new transfers.
type Transfer struct {
	ID        string // UUIDv7
	Kind      TransferKind
	Reference string // what it is for: the order's or the top-up's id; unique together with Kind
	Resolves  string // the hold that it ends; unique; "" for none
	WalletID  string // whose wallet it moves; "" for none
	Amount    int64  // more than 0
	CreatedAt time.Time
	Entries   []Entry
}

// Transfer returns the movement of kind for the payment's whole amount.
func (p Payment) Transfer(kind TransferKind, id string, now time.Time) Transfer {
	t := Transfer{ID: id, Kind: kind, Reference: p.OrderID, Amount: p.Amount, CreatedAt: now}
	source := Entry{Account: CardClearing}
	if p.Method == ByWallet {
		source = Entry{Account: Wallets, WalletID: p.UserID}
		t.WalletID = p.UserID
	}
	switch kind {
	case Hold:
		source.Pending = -p.Amount
	case Take:
		source.Posted, source.Pending = -p.Amount, p.Amount
		t.Resolves = p.HoldID
	case Release:
		source.Pending = p.Amount
		t.Resolves = p.HoldID
	case GiveBack:
		source.Posted = p.Amount
	case TopUp: // belongs to no payment: see TopUpTransfer
	}
	t.Entries = []Entry{source, {Account: Revenue, Posted: -source.Posted, Pending: -source.Pending}}
	return t
}

// TopUpTransfer returns the movement from a card into a customer's wallet.
func TopUpTransfer(topUpID, userID string, amount int64, id string, now time.Time) Transfer {
	return Transfer{
		ID: id, Kind: TopUp, Reference: topUpID, WalletID: userID, Amount: amount, CreatedAt: now,
		Entries: []Entry{{Account: Wallets, WalletID: userID, Posted: amount}, {Account: CardClearing, Posted: -amount}},
	}
}

// Validate fails for a transfer that makes or destroys money, and for one that is incomplete.
func (t Transfer) Validate() error {
	var posted, pending int64
	for _, e := range t.Entries {
		posted += e.Posted
		pending += e.Pending
		if (e.Account == Wallets) != (e.WalletID != "") {
			return fmt.Errorf("transfer %s: account %s of %q", t.ID, e.Account, e.WalletID)
		}
	}
	switch {
	case len(t.Entries) < 2:
		return fmt.Errorf("transfer %s has %d entries, 2 are the least", t.ID, len(t.Entries))
	case posted != 0 || pending != 0:
		return fmt.Errorf("transfer %s does not sum to zero: posted %d, pending %d", t.ID, posted, pending)
	case t.Amount <= 0:
		return fmt.Errorf("transfer %s moves %d", t.ID, t.Amount)
	case t.Reference == "":
		return fmt.Errorf("transfer %s refers to nothing", t.ID)
	case (t.Kind == Take || t.Kind == Release) != (t.Resolves != ""):
		return fmt.Errorf("transfer %s of kind %s resolves %q", t.ID, t.Kind, t.Resolves)
	}
	return nil
}

// Wallet is a customer's money. Its row is changed in the transaction that books the transfer.
type Wallet struct {
	UserID   string
	Balance  int64 // holds included
	Held     int64
	Incoming int64 // top-ups whose outcome the provider has not told yet
	Version  int64 // grows with each transfer
}

// Available is what can be spent.
func (w Wallet) Available() int64 { return w.Balance - w.Held }

// Empty reports whether the wallet holds no money and expects none.
func (w Wallet) Empty() bool { return w.Balance == 0 && w.Held == 0 && w.Incoming == 0 }

// WalletChange is what the transfer adds to the wallet that it moves.
func (t Transfer) WalletChange() (balance, held, incoming int64) {
	for _, e := range t.Entries {
		if e.Account == Wallets {
			balance += e.Posted
			held -= e.Pending
		}
	}
	if t.Kind == TopUp {
		incoming = -t.Amount
	}
	return balance, held, incoming
}
