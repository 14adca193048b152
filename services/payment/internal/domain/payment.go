// Package domain holds the rules of payments: the states of an order's payment, and the double-entry ledger that every
// movement of money goes through. It knows no transport and no database.
package domain

import "time"

// Currency is the one that the shop takes. Amounts are minor units of it.
const Currency = "EUR"

// State says where the payment of an order stands.
type State string

// The states. Those that end in ING wait for the card provider and have an open intent of the matching operation; payments
// from a wallet never enter them.
const (
	Authorizing State = "AUTHORIZING"
	Authorized  State = "AUTHORIZED"
	Declined    State = "DECLINED"
	Capturing   State = "CAPTURING"
	Captured    State = "CAPTURED"
	Voiding     State = "VOIDING"
	Voided      State = "VOIDED"
	Refunding   State = "REFUNDING"
	Refunded    State = "REFUNDED"
)

// States are all of them.
var States = []State{Authorizing, Authorized, Declined, Capturing, Captured, Voiding, Voided, Refunding, Refunded}

// Waits returns the operation that a payment in this state waits for the provider to carry out; "" when it waits for none.
func (s State) Waits() Operation {
	switch s {
	case Authorizing:
		return Authorize
	case Capturing:
		return Capture
	case Voiding:
		return Void
	case Refunding:
		return Refund
	case Authorized, Declined, Captured, Voided, Refunded:
	}
	return ""
}

// Holds reports whether money is held for a payment in this state.
func (s State) Holds() bool { return s == Authorized || s == Capturing || s == Voiding }

// Method is what an order is paid with.
type Method string

// The methods. A payment without one is a tombstone: its order was cancelled before it was heard of.
const (
	ByWallet Method = "wallet"
	ByCard   Method = "card"
)

// Reasons of declined payments, besides those of the card provider.
const (
	ReasonInsufficientFunds = "INSUFFICIENT_FUNDS"
	ReasonCardNotFound      = "CARD_NOT_FOUND"
	ReasonInstruction       = "PAYMENT_INSTRUCTION_INVALID" // no method, or an amount that can't be paid
)

// Payment is what an order costs and how far that money has come.
type Payment struct {
	ID              string // UUIDv7
	OrderID         string // unique: an order has one payment
	UserID          string
	Method          Method
	State           State
	Amount          int64 // minor units, more than 0 but for tombstones
	Captured        int64 // taken so far
	Refunded        int64 // given back so far
	CancelRequested bool  // the order was cancelled while the provider was being asked
	DeclineReason   string
	CardToken       string // the provider's; kept so that forgetting the card doesn't stop the payment
	HoldID          string // the pending transfer; "" when no money was ever held
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Tombstone is the payment of an order that was cancelled before it was heard of. It keeps the late order from being paid.
func Tombstone(id, orderID, userID string, now time.Time) Payment {
	return Payment{ID: id, OrderID: orderID, UserID: userID, State: Voided, CancelRequested: true, CreatedAt: now, UpdatedAt: now}
}
