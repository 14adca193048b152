package domain

import "errors"

// Trigger is something that happened to a payment: what became of its order, or what the provider answered.
type Trigger int

// The triggers.
const (
	OrderConfirmed        Trigger = iota // stock and money are both held: take the money
	OrderCancelled                       // give the money back, wherever it is
	NeverAsked                           // the authorisation was withdrawn before the provider heard of it
	MoneyAuthorized                      // the provider holds the money
	AuthorizationDeclined                // the provider won't
	MoneyCaptured                        // the provider took what it held
	CaptureDeclined                      // the provider can't take what it held, and holds it no longer
	HoldVoided                           // the provider let go of it
	MoneyRefunded                        // the provider gave it back
)

// Triggers are all of them.
var Triggers = []Trigger{
	OrderConfirmed, OrderCancelled, NeverAsked, MoneyAuthorized, AuthorizationDeclined, MoneyCaptured, CaptureDeclined,
	HoldVoided, MoneyRefunded,
}

// Operation is what the card provider can be asked to do with money.
type Operation string

// The operations.
const (
	Authorize Operation = "AUTHORIZE" // hold money for an order
	Capture   Operation = "CAPTURE"   // take what is held
	Void      Operation = "VOID"      // let go of what is held
	Refund    Operation = "REFUND"    // give back what was taken
	Charge    Operation = "CHARGE"    // hold and take at once, for a wallet's top-up
)

// Announcement is what the other services are told.
type Announcement string

// The announcements, one for each event.
const (
	AnnounceAuthorized Announcement = "authorized"
	AnnounceDeclined   Announcement = "declined"
	AnnounceCaptured   Announcement = "captured"
	AnnounceVoided     Announcement = "voided"
	AnnounceRefunded   Announcement = "refunded"
)

// Step is what a trigger leads to. Everything in it happens in one transaction.
type Step struct {
	Next            State
	CancelRequested bool
	Transfers       []TransferKind // to be booked, in this order
	Ask             Operation      // what the provider is to be asked for next; "" for nothing
	Withdraw        Operation      // what the provider need not be asked for, if it hasn't been yet; "" for nothing
	Announce        []Announcement // in this order
}

// ErrTooEarly says that something must happen first that is still on its way.
var ErrTooEarly = errors.New("the payment is not authorized yet")

// Decide returns what t means for the payment. changed is false when it means nothing any more: a repeat, or the loser of a
// race, such as a confirmation of a cancelled order. A provider's answer counts only while the payment waits for it.
func (p Payment) Decide(t Trigger) (step Step, changed bool, err error) {
	step = Step{Next: p.State, CancelRequested: p.CancelRequested}
	card := p.Method == ByCard
	switch t {
	case OrderConfirmed:
		switch {
		case p.State == Authorizing && !p.CancelRequested:
			return step, false, ErrTooEarly
		case p.State != Authorized:
			return step, false, nil
		case card:
			step.Next, step.Ask = Capturing, Capture
		default:
			step.capture()
		}
	case OrderCancelled:
		return p.cancel(step)
	case NeverAsked:
		if p.State != Authorizing || !p.CancelRequested {
			return step, false, nil
		}
		step.Next = Voided
		step.Announce = []Announcement{AnnounceVoided}
	case MoneyAuthorized:
		if p.State != Authorizing {
			return step, false, nil
		}
		step.Transfers = []TransferKind{Hold}
		if p.CancelRequested { // too late: nobody wants it any more
			step.Next, step.Ask = Voiding, Void
		} else {
			step.Next, step.Announce = Authorized, []Announcement{AnnounceAuthorized}
		}
	case AuthorizationDeclined:
		if p.State != Authorizing {
			return step, false, nil
		}
		step.Next, step.Announce = Declined, []Announcement{AnnounceDeclined}
	case MoneyCaptured:
		if p.State != Capturing {
			return step, false, nil
		}
		step.capture()
		if p.CancelRequested { // it was taken, that is a fact; now it goes back
			step.Next, step.Ask = Refunding, Refund
		}
	case CaptureDeclined:
		if p.State != Capturing {
			return step, false, nil
		}
		step.Next, step.Transfers, step.Announce = Declined, []TransferKind{Release}, []Announcement{AnnounceDeclined}
	case HoldVoided:
		if p.State != Voiding {
			return step, false, nil
		}
		step.release()
	case MoneyRefunded:
		if p.State != Refunding {
			return step, false, nil
		}
		step.refund()
	}
	return step, true, nil
}

func (p Payment) cancel(step Step) (Step, bool, error) {
	card := p.Method == ByCard
	if p.CancelRequested {
		return step, false, nil
	}
	step.CancelRequested = true
	switch p.State {
	case Authorizing:
		step.Withdraw = Authorize
	case Capturing: // what the provider answers decides
	case Authorized:
		if card {
			step.Next, step.Ask = Voiding, Void
		} else {
			step.release()
		}
	case Captured:
		if card {
			step.Next, step.Ask = Refunding, Refund
		} else {
			step.refund()
		}
	case Declined, Voiding, Voided, Refunding, Refunded: // there is nothing left to give back
		return Step{Next: p.State}, false, nil
	}
	return step, true, nil
}

func (s *Step) capture() {
	s.Next, s.Transfers, s.Announce = Captured, []TransferKind{Take}, []Announcement{AnnounceCaptured}
}

func (s *Step) release() {
	s.Next, s.Transfers, s.Announce = Voided, []TransferKind{Release}, []Announcement{AnnounceVoided}
}

func (s *Step) refund() {
	s.Next, s.Transfers, s.Announce = Refunded, []TransferKind{GiveBack}, []Announcement{AnnounceRefunded}
}

// After returns the payment as it is when the step is done, but for HoldID, which is the ledger's.
func (p Payment) After(step Step) Payment {
	p.State, p.CancelRequested = step.Next, step.CancelRequested
	for _, kind := range step.Transfers {
		switch kind {
		case Take:
			p.Captured = p.Amount
		case GiveBack:
			p.Refunded = p.Amount
		case Hold, Release, TopUp:
		}
	}
	return p
}
