// Package domain holds the rules of a shipment: which states it may pass through, and who wins when a cancellation meets
// the courier. It knows no transport and no database.
package domain

import "time"

// State says where a shipment stands.
type State string

// The states of a shipment. Unknown is the state of one that does not exist yet; DELIVERED, STOPPED and RETURNED are
// terminal.
const (
	Unknown    State = ""
	Created    State = "CREATED"
	Assembling State = "ASSEMBLING"
	Assembled  State = "ASSEMBLED"
	HandedOver State = "HANDED_OVER"
	Delivered  State = "DELIVERED"
	Stopped    State = "STOPPED"
	Returning  State = "RETURNING"
	Returned   State = "RETURNED"
)

// States lists every state that a shipment can be in.
func States() []State {
	return []State{Created, Assembling, Assembled, HandedOver, Delivered, Stopped, Returning, Returned}
}

// Terminal reports whether nothing can move the shipment any more.
func (s State) Terminal() bool { return s == Delivered || s == Stopped || s == Returned }

// OnTheRoad reports whether the parcel is with who was to bring it.
func (s State) OnTheRoad() bool { return s == HandedOver || s == Returning }

// CarriedBy says who brings a parcel to its customer.
type CarriedBy string

// Who can bring a parcel. Only ByCourier tells of the way himself; for the others staff do.
const (
	ByNobody  CarriedBy = "" // it has not left the warehouse
	ByCourier CarriedBy = "COURIER"
	ByStaff   CarriedBy = "STAFF"
	ByPickUp  CarriedBy = "PICK_UP"
	ByCarrier CarriedBy = "CARRIER"
)

// Carriage is how a parcel comes to its customer. Carrier and Reference are of ByCarrier: its name and what it calls the
// parcel.
type Carriage struct {
	By                 CarriedBy
	Carrier, Reference string
}

// NotTaken is the reason of a parcel that came back without having been recalled.
const NotTaken = "STAFF"

// Status is everything that decides what may happen to a shipment next.
type Status struct {
	State State
	// Reason is why it was stopped or recalled, as the cancellation named it.
	Reason string
	// Answered is the order's version in the newest request to cancel that was answered. Older ones are repeats.
	Answered int64
	// Step is the last step of the courier's tour that is known, and Progress how much of the way to the customer was
	// behind then, in percent. On the way back the progress falls.
	Step, Progress int32
	// Carriage is how it left the warehouse.
	Carriage Carriage
}

// Shipment is the parcel of an order.
type Shipment struct {
	ID       string // also the parcel's
	OrderID  string
	UserID   string
	MethodID string // empty: it was stopped before it was made
	Status
	Version   int64 // grows by one with each change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Method is a way to ship. Money is in minor units of Currency.
type Method struct {
	ID          string
	Name        string
	Description string
	Rate        int64
	FreeFrom    int64 // orders of at least this much ship free; 0: never
	Currency    string
	Days        int32
	Countries   []string // ISO 3166-1 alpha-2
}
