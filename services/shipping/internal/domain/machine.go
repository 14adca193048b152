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
	HandOver       Kind = "hand_over"

	CourierMoved     Kind = "courier.moved"
	CourierDelivered Kind = "courier.delivered"
	CourierReturned  Kind = "courier.returned"
)

// Kinds lists everything that can happen, for tests that try all of it.
func Kinds() []Kind {
	return []Kind{OrderPaid, StopRequested, StartAssembly, FinishAssembly, HandOver, CourierMoved, CourierDelivered, CourierReturned}
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
// change nothing and announce nothing. A *RefusedError is the answer to a step of warehouse or courier that the state
// does not allow; payment and cancellation come in any order and are never refused.
//
// Who decides: until the hand-over a cancellation stops the shipment, from then on it is refused, unless staff recall
// the parcel. What the courier did is a fact: delivered is delivered, recalled or not.
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
	case CourierMoved, CourierDelivered, CourierReturned:
		return s.follow(in)
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
		return s.to(HandedOver, AnnounceHandedOver)
	case HandedOver, Returning, Delivered, Stopped, Returned:
		return s, nil, nil
	case Unknown, Created, Assembling:
	}
	return s, nil, &RefusedError{Kind: HandOver, State: s.State}
}

// follow takes what the courier did. Nobody but who was handed the parcel can have done anything with it.
func (s Status) follow(in Input) (Status, []Announcement, error) {
	switch {
	case s.State == Delivered || s.State == Returned:
		return s, nil, nil
	case !s.State.OnTheRoad():
	case in.Kind == CourierMoved:
		if in.Step > s.Step {
			s.Step, s.Progress = in.Step, in.Progress
		}
		return s, nil, nil
	case in.Kind == CourierDelivered && s.State == Returning:
		s.Reason, s.Progress = "", 100
		return s.to(Delivered, AnnounceStopRefused, AnnounceDelivered)
	case in.Kind == CourierDelivered:
		s.Progress = 100
		return s.to(Delivered, AnnounceDelivered)
	case s.State == Returning:
		s.Progress = 0
		return s.to(Returned, AnnounceReturned)
	}
	return s, nil, &RefusedError{Kind: in.Kind, State: s.State}
}
