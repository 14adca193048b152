package domain

import "fmt"

// Kind names something that happens to a shipment.
type Kind string

// What can happen to a shipment.
const (
	OrderPaid     Kind = "order.paid"
	StopRequested Kind = "order.cancel_requested"

	StartAssembly  Kind = "assembly.start"
	FinishAssembly Kind = "assembly.finish"
	HandOver       Kind = "hand_over" // to a courier of the shop's

	CourierMoved     Kind = "courier.moved"
	CourierDelivered Kind = "courier.delivered"
	CourierReturned  Kind = "courier.returned"

	StaffHandOver  Kind = "staff.hand_over" // staff see to it that it gets there
	StaffDelivered Kind = "staff.delivered"
	StaffReturned  Kind = "staff.returned"
)

// Kinds lists everything that can happen, for tests that try all of it.
func Kinds() []Kind {
	return []Kind{
		OrderPaid, StopRequested, StartAssembly, FinishAssembly, HandOver, CourierMoved, CourierDelivered, CourierReturned,
		StaffHandOver, StaffDelivered, StaffReturned,
	}
}

// Input is one thing that happens to a shipment.
type Input struct {
	Kind Kind
	// Of a request to cancel: why, whether even the courier shall bring the parcel back, and the order's version.
	Reason  string
	Recall  bool
	Request int64
	// Of a courier's move.
	Step, Progress int32
	// Of a hand-over by staff.
	Carriage Carriage
}

// Announcement is what shipping tells the other services because of an input.
type Announcement string

// What shipping can announce.
const (
	AnnounceCreated         Announcement = "shipment.created"
	AnnounceAssemblyStarted Announcement = "shipment.assembly_started"
	AnnounceAssembled       Announcement = "shipment.assembled"
	AnnouncePackage         Announcement = "package.ready"
	AnnounceHandedOver      Announcement = "shipment.handed_over"
	AnnounceDelivered       Announcement = "shipment.delivered"
	AnnounceStopped         Announcement = "shipment.stopped"
	AnnounceStopRefused     Announcement = "shipment.stop_refused"
	AnnounceReturned        Announcement = "shipment.returned"
)

// RefusedError says that something came in a state that does not allow it.
type RefusedError struct {
	Kind  Kind
	State State
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not possible while the shipment is %q", e.Kind, e.State)
}

// Apply is the shipment's state machine: what becomes of a shipment when in happens, and what is announced. Repeats
// change nothing and announce nothing. A *RefusedError is the answer to a step of warehouse, courier or staff that the state
// does not allow; payment and cancellation come in any order and are never refused.
//
// Who decides: until the hand-over a cancellation stops the shipment, from then on it is refused, unless staff recall
// the parcel. Courier and staff can't both take it, and only who took it moves it. What they did is a fact: delivered is
// delivered, recalled or not.
func (s Status) Apply(in Input) (Status, []Announcement, error) {
	switch in.Kind {
	case OrderPaid:
		if s.State != Unknown {
			return s, nil, nil
		}
		return s.to(Created, AnnounceCreated)
	case StopRequested:
		return s.stop(in)
	case StartAssembly:
		if s.State == Created {
			return s.to(Assembling, AnnounceAssemblyStarted)
		}
	case FinishAssembly:
		if s.State == Assembling {
			return s.to(Assembled, AnnounceAssembled, AnnouncePackage)
		}
	case HandOver:
		return s.handOver()
	case StaffHandOver:
		if s.State == Assembled {
			s.Carriage = in.Carriage
			return s.to(HandedOver, AnnounceHandedOver)
		}
	case CourierMoved, CourierDelivered, CourierReturned:
		return s.followCourier(in)
	case StaffDelivered, StaffReturned:
		return s.followStaff(in)
	}
	return s, nil, &RefusedError{Kind: in.Kind, State: s.State}
}

func (s Status) to(next State, what ...Announcement) (Status, []Announcement, error) {
	s.State = next
	return s, what, nil
}

// stop settles a request to cancel. One that comes before the payment leaves a stopped shipment behind, so that the late
// payment makes none.
func (s Status) stop(in Input) (Status, []Announcement, error) {
	if in.Request <= s.Answered {
		return s, nil, nil
	}
	switch s.State {
	case Unknown, Created, Assembling, Assembled:
		s.Reason, s.Answered = in.Reason, in.Request
		return s.to(Stopped, AnnounceStopped)
	case HandedOver:
		s.Answered = in.Request
		if !in.Recall {
			return s, []Announcement{AnnounceStopRefused}, nil
		}
		s.Reason = in.Reason
		return s.to(Returning)
	case Delivered:
		s.Answered = in.Request
		return s, []Announcement{AnnounceStopRefused}, nil
	case Stopped, Returning, Returned:
		// It has, or will have, what it asks for.
	}
	return s, nil, nil
}

// handOver lets a courier have the parcel. Asking again changes nothing; the state is the answer.
func (s Status) handOver() (Status, []Announcement, error) {
	switch s.State {
	case Assembled:
		s.Carriage = Carriage{By: ByCourier}
		return s.to(HandedOver, AnnounceHandedOver)
	case HandedOver, Returning, Delivered, Stopped, Returned:
		return s, nil, nil
	case Unknown, Created, Assembling:
	}
	return s, nil, &RefusedError{Kind: HandOver, State: s.State}
}

// followCourier takes what a courier did. Nobody but who was handed the parcel can have done anything with it.
func (s Status) followCourier(in Input) (Status, []Announcement, error) {
	switch {
	case s.Carriage.By != ByCourier:
	case s.State.Terminal():
		return s, nil, nil
	case in.Kind == CourierMoved:
		if in.Step > s.Step {
			s.Step, s.Progress = in.Step, in.Progress
		}
		return s, nil, nil
	case in.Kind == CourierDelivered:
		return s.delivered()
	case s.State == Returning:
		return s.returned(s.Reason)
	}
	return s, nil, &RefusedError{Kind: in.Kind, State: s.State}
}

// followStaff takes what staff say of a parcel that they handed over. It may come back without a recall: nobody took it.
func (s Status) followStaff(in Input) (Status, []Announcement, error) {
	switch {
	case !s.State.OnTheRoad() || s.Carriage.By == ByCourier:
		return s, nil, &RefusedError{Kind: in.Kind, State: s.State}
	case in.Kind == StaffDelivered:
		return s.delivered()
	case s.State == Returning:
		return s.returned(s.Reason)
	}
	return s.returned(NotTaken)
}

// delivered ends the way. A recall that was under way has failed.
func (s Status) delivered() (Status, []Announcement, error) {
	said := []Announcement{AnnounceDelivered}
	if s.State == Returning {
		said = []Announcement{AnnounceStopRefused, AnnounceDelivered}
	}
	s.Reason, s.Progress = "", 100
	return s.to(Delivered, said...)
}

func (s Status) returned(reason string) (Status, []Announcement, error) {
	s.Reason, s.Progress = reason, 0
	return s.to(Returned, AnnounceReturned)
}
