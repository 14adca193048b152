package domain

import "fmt"

// Kind names something that happens to an order.
type Kind string

// What can happen to an order. News are facts from other services and are never refused; commands may be.
const (
	StockWasReserved    Kind = "inventory.reserved"
	StockWasRejected    Kind = "inventory.rejected"
	MoneyWasAuthorized  Kind = "payment.authorized"
	MoneyWasDeclined    Kind = "payment.declined"
	MoneyWasCaptured    Kind = "payment.captured"
	MoneyWasVoided      Kind = "payment.voided"
	MoneyWasRefunded    Kind = "payment.refunded"
	AssemblyStarted     Kind = "shipment.assembly_started"
	ShipmentAssembled   Kind = "shipment.assembled"
	ShipmentHandedOver  Kind = "shipment.handed_over"
	ShipmentDelivered   Kind = "shipment.delivered"
	ShipmentStopped     Kind = "shipment.stopped"
	ShipmentStopRefused Kind = "shipment.stop_refused"
	ShipmentReturned    Kind = "shipment.returned"

	CancelByCustomer Kind = "cancel.customer"
	CancelByStaff    Kind = "cancel.staff"
	DeadlinePassed   Kind = "deadline.passed"
)

// Kinds lists everything that can happen, for tests that try all of it.
func Kinds() []Kind {
	return []Kind{
		StockWasReserved, StockWasRejected, MoneyWasAuthorized, MoneyWasDeclined, MoneyWasCaptured, MoneyWasVoided,
		MoneyWasRefunded, AssemblyStarted, ShipmentAssembled, ShipmentHandedOver, ShipmentDelivered, ShipmentStopped,
		ShipmentStopRefused, ShipmentReturned, CancelByCustomer, CancelByStaff, DeadlinePassed,
	}
}

// Input is one thing that happens to an order.
type Input struct {
	Kind   Kind
	Reason Reason // of a cancellation by staff, and of a shipment that was stopped or returned
	Recall bool   // staff want the parcel back even from the courier
	// Version is, of a command, what the order's version will be if it changes anything.
	Version int64
	// Request is, of a refusal by shipping, the request to cancel that it answers.
	Request int64
}

// Announcement is what the order tells the other services because of an input.
type Announcement string

// What an order can announce.
const (
	AnnounceConfirmed       Announcement = "order.confirmed"
	AnnouncePaid            Announcement = "order.paid"
	AnnounceCancelRequested Announcement = "order.cancel_requested"
	AnnounceCancelRefused   Announcement = "order.cancel_refused"
	AnnounceCancelled       Announcement = "order.cancelled"
	AnnounceProgressed      Announcement = "order.progressed"
)

// RefusedError says that a command came in a state that does not allow it.
type RefusedError struct {
	Kind  Kind
	State State
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not possible while the order is %s", e.Kind, e.State)
}

// Apply is the order's state machine: what becomes of an order when in happens, and what it announces, at most one
// thing. News that were overtaken, or are repeated, change nothing and announce nothing. The only error is a
// *RefusedError, for a command that the state does not allow.
//
// Who decides: while the order is PENDING, the order itself; from PAID on a cancellation is only a request that
// shipping settles against hand-over, and the state follows the shipment.
func (s Status) Apply(in Input) (Status, Announcement, error) {
	switch in.Kind {
	case StockWasReserved:
		return s.stock(StockReserved)
	case StockWasRejected:
		return s.stock(StockRejected)
	case MoneyWasAuthorized:
		return s.money(MoneyAuthorized)
	case MoneyWasDeclined:
		return s.money(MoneyDeclined)
	case MoneyWasCaptured:
		return s.money(MoneyCaptured)
	case MoneyWasVoided:
		return s.money(MoneyVoided)
	case MoneyWasRefunded:
		return s.money(MoneyRefunded)
	case AssemblyStarted:
		return s.follow(Assembling)
	case ShipmentAssembled:
		return s.follow(Assembled)
	case ShipmentHandedOver:
		return s.follow(Delivering)
	case ShipmentDelivered:
		return s.follow(Delivered)
	case ShipmentStopped, ShipmentReturned:
		if s.State == Pending || s.State.Terminal() {
			return s, "", nil
		}
		return s.cancel(in.Reason)
	case ShipmentStopRefused:
		return s.refuse(in.Request)
	case DeadlinePassed:
		if s.State != Pending {
			return s, "", nil
		}
		return s.cancel(TimedOut)
	case CancelByCustomer:
		return s.askToCancel(ByCustomer, false, in.Version)
	case CancelByStaff:
		return s.askToCancel(in.Reason, in.Recall, in.Version)
	}
	return s, "", &RefusedError{Kind: in.Kind, State: s.State}
}

// stock takes what inventory said. It says one thing per order, so only the first counts.
func (s Status) stock(news Stock) (Status, Announcement, error) {
	if s.Stock != StockUnknown {
		return s, "", nil
	}
	s.Stock = news
	return s.settle()
}

// money takes what payment said. A capture after the cancellation is kept as the fact that it is; payment refunds it.
func (s Status) money(news Money) (Status, Announcement, error) {
	if news.progress() <= s.Money.progress() {
		return s, "", nil
	}
	s.Money = news
	return s.settle()
}

// settle looks at both facts of a pending order together.
func (s Status) settle() (Status, Announcement, error) {
	switch {
	case s.State != Pending:
		return s, "", nil
	case s.Stock == StockRejected:
		return s.cancel(OutOfStock)
	case s.Money == MoneyDeclined:
		return s.cancel(PaymentDeclined)
	case s.Money == MoneyCaptured && s.Stock == StockReserved:
		// The capture follows the confirmation, which follows both facts.
		s.State = Paid
		return s, AnnouncePaid, nil
	case s.Money == MoneyAuthorized && s.Stock == StockReserved && !s.Confirmed:
		s.Confirmed = true
		return s, AnnounceConfirmed, nil
	}
	return s, "", nil
}

// follow moves a paid order along with its shipment, never back. A shipment that got through the courier's hands
// settles an open request to cancel unless staff asked for a recall.
func (s Status) follow(next State) (Status, Announcement, error) {
	if s.State == Pending || s.State.Terminal() || next.progress() <= s.State.progress() {
		return s, "", nil
	}
	s.State = next
	if next == Delivered {
		s = s.withoutRequest()
	}
	return s, AnnounceProgressed, nil
}

func (s Status) cancel(reason Reason) (Status, Announcement, error) {
	s = s.withoutRequest()
	s.State, s.Reason = Cancelled, reason
	return s, AnnounceCancelled, nil
}

// refuse takes the answer to a request to cancel. Staff may have asked for more since, which is still to be answered.
func (s Status) refuse(request int64) (Status, Announcement, error) {
	if !s.CancelRequested() || request != s.CancelRequest {
		return s, "", nil
	}
	return s.withoutRequest(), AnnounceCancelRefused, nil
}

func (s Status) withoutRequest() Status {
	s.CancelRequest, s.RequestedReason, s.Recall = 0, "", false
	return s
}

// askToCancel is the command of a customer or of staff. Asking again for what is already asked changes nothing; a
// recall by staff goes further than an open request without one.
func (s Status) askToCancel(reason Reason, recall bool, version int64) (Status, Announcement, error) {
	switch s.State {
	case Pending:
		return s.cancel(reason)
	case Paid, Assembling, Assembled, Delivering:
		if s.State == Delivering && !recall {
			return s, "", &RefusedError{Kind: kindOf(reason), State: s.State}
		}
		if s.CancelRequested() && (s.Recall || !recall) {
			return s, "", nil
		}
		s.CancelRequest, s.RequestedReason, s.Recall = version, reason, recall
		return s, AnnounceCancelRequested, nil
	case Delivered, Cancelled:
		return s, "", &RefusedError{Kind: kindOf(reason), State: s.State}
	}
	return s, "", &RefusedError{Kind: kindOf(reason), State: s.State}
}

func kindOf(reason Reason) Kind {
	if reason.AskedByCustomer() {
		return CancelByCustomer
	}
	return CancelByStaff
}
