// Package domain holds the rules of an order: what it costs and which states it may pass through. It knows no
// transport and no database.
package domain

// State says where an order stands.
type State string

// The states of an order. DELIVERED and CANCELLED are terminal.
const (
	Pending    State = "PENDING"
	Paid       State = "PAID"
	Assembling State = "ASSEMBLING"
	Assembled  State = "ASSEMBLED"
	Delivering State = "DELIVERING"
	Delivered  State = "DELIVERED"
	Cancelled  State = "CANCELLED"
)

// States lists every state in the order of an undisturbed life, CANCELLED last.
func States() []State {
	return []State{Pending, Paid, Assembling, Assembled, Delivering, Delivered, Cancelled}
}

// Terminal reports whether nothing can move the order any more.
func (s State) Terminal() bool { return s == Delivered || s == Cancelled }

// progress orders the states that follow the shipment: a later one never gives way to an earlier one.
func (s State) progress() int {
	switch s {
	case Paid:
		return 1
	case Assembling:
		return 2
	case Assembled:
		return 3
	case Delivering:
		return 4
	case Delivered:
		return 5
	case Pending, Cancelled:
		return 0
	}
	return 0
}

// Reason says why an order was, or shall be, cancelled. Empty: it was not.
type Reason string

// The reasons of a cancellation.
const (
	ByCustomer      Reason = "CUSTOMER"
	ByStaff         Reason = "STAFF"
	OutOfStock      Reason = "OUT_OF_STOCK"
	PaymentDeclined Reason = "PAYMENT_DECLINED"
	TimedOut        Reason = "TIMEOUT"
	Fraud           Reason = "FRAUD"
)

// AskedByCustomer reports whether the customer wanted the cancellation. If not, the cart gets back what was ordered.
func (r Reason) AskedByCustomer() bool { return r == ByCustomer }

// Stock is what inventory said of the order's lines.
type Stock string

// What is known of the stock.
const (
	StockUnknown  Stock = ""
	StockReserved Stock = "RESERVED"
	StockRejected Stock = "REJECTED"
)

// Money is the last thing that payment said of the order's money.
type Money string

// What is known of the money.
const (
	MoneyUnknown    Money = ""
	MoneyAuthorized Money = "AUTHORIZED"
	MoneyDeclined   Money = "DECLINED"
	MoneyCaptured   Money = "CAPTURED"
	MoneyVoided     Money = "VOIDED"
	MoneyRefunded   Money = "REFUNDED"
)

// progress orders what payment can say: news that were overtaken change nothing.
func (m Money) progress() int {
	switch m {
	case MoneyUnknown:
		return 0
	case MoneyAuthorized:
		return 1
	case MoneyCaptured:
		return 2
	case MoneyDeclined, MoneyVoided, MoneyRefunded:
		return 3
	}
	return 0
}

// Status is everything that decides what may happen to an order next.
type Status struct {
	State  State
	Reason Reason // why it was cancelled
	Stock  Stock
	Money  Money
	// Confirmed: stock and money were both good while the order was pending, and the capture was ordered.
	Confirmed bool
	// CancelRequest is what shipping was asked to stop the shipment with and has not answered: the order's version then,
	// which tells the request from earlier ones. 0: nothing.
	CancelRequest   int64
	RequestedReason Reason
	Recall          bool
}

// CancelRequested reports whether shipping was asked to stop the shipment and has not answered.
func (s Status) CancelRequested() bool { return s.CancelRequest != 0 }
