package messaging

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Action is what is to become of a delivery.
type Action int

// The actions.
const (
	Ack      Action = iota // its effect is committed, or was before
	Nak                    // hand it out again after Outcome.Delay
	Requeue                // store it anew for this consumer alone, its deliveries counted from 1, and drop this one
	SetAside               // copy it to the DLQ with Outcome.Err and drop it
)

// Outcome is what a [Processor] makes of one message.
type Outcome struct {
	Action Action
	Delay  time.Duration // Nak only
	Err    error         // what went wrong; nil with Ack
}

// ErrUnfinished sets aside a message whose last allowed delivery never came to an end: it may kill the process.
var ErrUnfinished = errors.New("every allowed delivery ended without an answer: the handler hangs or kills the process")

// Permanent marks an error that no later try can mend: the message goes to the DLQ at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ cause error }

func (e *permanentError) Error() string { return e.cause.Error() }
func (e *permanentError) Unwrap() error { return e.cause }

// Backoff is the delay between tries: the first is about Base, each later one three times the one before, up to Cap.
type Backoff struct{ Base, Cap time.Duration }

func (b Backoff) withDefaults() Backoff {
	if b.Base <= 0 {
		b.Base = 100 * time.Millisecond
	}
	if b.Cap <= 0 {
		b.Cap = 30 * time.Second
	}
	return b
}

// after is the delay that follows the given try, counted from 1. It varies by a quarter either way, so that messages that
// failed together don't come back together.
func (b Backoff) after(try int) time.Duration {
	d := b.Base
	for ; try > 1 && d < b.Cap; try-- {
		d *= 3
	}
	d = min(d, b.Cap)
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // no secret
}

// settle decides what follows a failure. An outage is not a message's fault, so what fails for a transient reason starts
// over with a fresh count halfway through its tries. Without a crash, delivery counts so never pass the tries, which is
// what makes a message that kills the process visible.
func settle(err error, m *Message, tries int, unlimited bool, backoff Backoff) Outcome {
	var marked *permanentError
	endless := unlimited || transient(err)
	switch {
	case errors.As(err, &marked), !endless && (permanent(err) || m.Deliveries >= tries):
		return Outcome{Action: SetAside, Err: err}
	case endless && m.Deliveries > 1 && m.Deliveries >= tries/2:
		return Outcome{Action: Requeue, Err: err}
	default:
		return Outcome{Action: Nak, Delay: backoff.after(m.attempts()), Err: err}
	}
}

var (
	permanentKinds = []fault.Kind{
		fault.KindInvalid, fault.KindNotFound, fault.KindAlreadyExists, fault.KindFailedPrecondition,
		fault.KindPermissionDenied, fault.KindUnauthenticated, fault.KindOutOfRange, fault.KindUnimplemented,
	}
	transientKinds = []fault.Kind{fault.KindUnavailable, fault.KindDeadlineExceeded, fault.KindCanceled}
)

// permanent says that the same input will always fail.
func permanent(err error) bool { return slices.Contains(permanentKinds, fault.KindOf(err)) }

// transient says that the surroundings failed, not the message.
func transient(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrNoResponders) {
		return true
	}
	var network net.Error
	if errors.As(err, &network) {
		return true
	}
	var postgres interface{ SQLState() string }
	if errors.As(err, &postgres) && transientState(postgres.SQLState()) {
		return true
	}
	var sqlite interface{ Code() int }
	if errors.As(err, &sqlite) && transientCode(sqlite.Code()) {
		return true
	}
	return slices.Contains(transientKinds, fault.KindOf(err))
}

// transientState judges an SQLSTATE by its class: lost connections, conflicts, exhausted resources, locks, shutdowns.
func transientState(state string) bool {
	if len(state) != 5 {
		return false
	}
	switch state[:2] {
	case "08", "40", "53", "55", "57", "58":
		return true
	}
	return false
}

// transientCode judges an SQLite result code: busy, locked, I/O error, full, can't open.
func transientCode(code int) bool {
	switch code & 0xff {
	case 5, 6, 10, 13, 14:
		return true
	}
	return false
}

// panicError is what a panic of a handler becomes, so that one message can't take the others down.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func guard(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return fn()
}

func stackOf(err error) string {
	var p *panicError
	if errors.As(err, &p) {
		return string(p.stack)
	}
	return ""
}
