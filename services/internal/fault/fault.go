// Package fault holds errors that say what went wrong without saying how it is told: a kind, a machine-readable reason,
// and a message that says how to mend it. Transport code maps them to status codes; every other error is an internal one.
package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Kind says what sort of failure an error is, and so whether trying again can help. The zero Kind belongs to no error.
type Kind int

// The kinds. What each means follows the codes of gRPC.
const (
	KindInvalid            Kind = iota + 1 // the request is wrong whatever the state of the shop
	KindNotFound                           // it isn't there, or isn't the caller's
	KindAlreadyExists                      // it is there already
	KindFailedPrecondition                 // not in this state; the caller must change the state first
	KindPermissionDenied                   // the caller is known and may not
	KindUnauthenticated                    // the caller is not known
	KindResourceExhausted                  // too much, too often, or sold out
	KindAborted                            // lost a race; the whole operation may be tried again
	KindOutOfRange                         // past the end
	KindUnavailable                        // something it depends on is away; try again later
	KindDeadlineExceeded                   // ran out of time
	KindCanceled                           // the caller went away
	KindUnimplemented                      // not offered here
	KindInternal                           // a bug or broken data
)

var kindNames = [...]string{
	KindInvalid:            "invalid",
	KindNotFound:           "not found",
	KindAlreadyExists:      "already exists",
	KindFailedPrecondition: "failed precondition",
	KindPermissionDenied:   "permission denied",
	KindUnauthenticated:    "unauthenticated",
	KindResourceExhausted:  "resource exhausted",
	KindAborted:            "aborted",
	KindOutOfRange:         "out of range",
	KindUnavailable:        "unavailable",
	KindDeadlineExceeded:   "deadline exceeded",
	KindCanceled:           "canceled",
	KindUnimplemented:      "unimplemented",
	KindInternal:           "internal",
}

// String returns the kind's name in lower case, such as `not found`.
func (k Kind) String() string {
	if k < KindInvalid || k > KindInternal {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is a failure that callers may be told about. It is immutable: the With methods return changed copies, so a
// package-level Error can be used as a template.
type Error struct {
	Kind     Kind
	Reason   string            // UPPER_SNAKE, stable, for programs
	Message  string            // one sentence for people that says how to mend it
	Metadata map[string]string // facts that belong to the reason, such as an order's id
	Fields   []Field           // what is wrong with single fields of the request
	Cause    error             // for the log only, never told to the caller
}

// Field says what is wrong with one field of the request.
type Field struct {
	Path    string // proto field path, such as `lines[2].quantity`
	Message string
}

// Error returns the message with its reason, followed by the cause if there is one.
func (e *Error) Error() string {
	text := e.Reason
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an Error of the same kind and reason, so that errors.Is compares with a template.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Kind == e.Kind && other.Reason == e.Reason
}

// With returns a copy that carries one more piece of metadata.
func (e *Error) With(key, value string) *Error {
	changed := *e
	changed.Metadata = maps.Clone(e.Metadata)
	if changed.Metadata == nil {
		changed.Metadata = make(map[string]string, 1)
	}
	changed.Metadata[key] = value
	return &changed
}

// WithField returns a copy that names one more wrong field.
func (e *Error) WithField(path, format string, args ...any) *Error {
	changed := *e
	changed.Fields = append(slices.Clone(e.Fields), Field{Path: path, Message: fmt.Sprintf(format, args...)})
	return &changed
}

// WithCause returns a copy that wraps err. The cause is logged and never told to the caller.
func (e *Error) WithCause(err error) *Error {
	changed := *e
	changed.Cause = err
	return &changed
}

// KindOf returns the kind of the first Error in err's tree. The context's own errors have kinds of their own, any other
// error is KindInternal, and nil has the zero Kind.
func KindOf(err error) Kind {
	var fault *Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &fault):
		return fault.Kind
	case errors.Is(err, context.Canceled):
		return KindCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return KindDeadlineExceeded
	default:
		return KindInternal
	}
}

// ReasonOf returns the reason of the first Error in err's tree, or "" when there is none.
func ReasonOf(err error) string {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.Reason
	}
	return ""
}
