package domain

import "time"

// Address is where an order goes.
type Address struct {
	Recipient  string `json:"recipient"`
	Street     string `json:"street"`
	City       string `json:"city"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
	Phone      string `json:"phone,omitempty"`
}

// Order is an order with everything that a customer sees of it.
type Order struct {
	ID          string
	UserID      string
	Number      int64 // of the user's orders, from 1
	Status      Status
	Quote       Quote
	Address     Address
	CardID      string // the saved card that pays; empty: the wallet
	PlacedAt    time.Time
	UpdatedAt   time.Time
	ExpiresAt   time.Time // a still pending order is cancelled then
	Version     int64     // grows by one with each change
	TimelineLen int64     // entries in its time line
}

// AsPlaced is the order as PlaceOrder first answered it, whatever happened since: a repeated request gets the same
// answer.
func (o Order) AsPlaced() Order {
	o.Status = Status{State: Pending}
	o.Version, o.TimelineLen = 1, 1
	o.UpdatedAt = o.PlacedAt
	return o
}

// TimelineEntry is one step in the life of an order.
type TimelineEntry struct {
	Number       int64
	Type         string
	OccurredAt   time.Time
	State        State // after the step
	EventID      string
	Compensation bool
}

// Compensates reports whether a step undoes an earlier one.
func Compensates(entryType string) bool {
	switch entryType {
	case string(AnnounceCancelled), string(MoneyWasVoided), string(MoneyWasRefunded), string(ShipmentStopped),
		string(ShipmentReturned), "inventory.released":
		return true
	}
	return false
}
