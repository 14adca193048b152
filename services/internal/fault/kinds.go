package fault

import "fmt"

func newError(kind Kind, reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns an error of KindInvalid: the request is wrong whatever the state of the shop.
func Invalid(reason, format string, args ...any) *Error {
	return newError(KindInvalid, reason, format, args...)
}

// NotFound returns an error of KindNotFound: it isn't there, or isn't the caller's.
func NotFound(reason, format string, args ...any) *Error {
	return newError(KindNotFound, reason, format, args...)
}

// AlreadyExists returns an error of KindAlreadyExists: it is there already.
func AlreadyExists(reason, format string, args ...any) *Error {
	return newError(KindAlreadyExists, reason, format, args...)
}

// FailedPrecondition returns an error of KindFailedPrecondition: not in this state.
func FailedPrecondition(reason, format string, args ...any) *Error {
	return newError(KindFailedPrecondition, reason, format, args...)
}

// PermissionDenied returns an error of KindPermissionDenied: the caller is known and may not.
func PermissionDenied(reason, format string, args ...any) *Error {
	return newError(KindPermissionDenied, reason, format, args...)
}

// Unauthenticated returns an error of KindUnauthenticated: the caller is not known.
func Unauthenticated(reason, format string, args ...any) *Error {
	return newError(KindUnauthenticated, reason, format, args...)
}

// ResourceExhausted returns an error of KindResourceExhausted: too much, too often, or sold out.
func ResourceExhausted(reason, format string, args ...any) *Error {
	return newError(KindResourceExhausted, reason, format, args...)
}

// Aborted returns an error of KindAborted: lost a race; the whole operation may be tried again.
func Aborted(reason, format string, args ...any) *Error {
	return newError(KindAborted, reason, format, args...)
}

// OutOfRange returns an error of KindOutOfRange: past the end.
func OutOfRange(reason, format string, args ...any) *Error {
	return newError(KindOutOfRange, reason, format, args...)
}

// Unavailable returns an error of KindUnavailable: something it depends on is away.
func Unavailable(reason, format string, args ...any) *Error {
	return newError(KindUnavailable, reason, format, args...)
}

// DeadlineExceeded returns an error of KindDeadlineExceeded: ran out of time.
func DeadlineExceeded(reason, format string, args ...any) *Error {
	return newError(KindDeadlineExceeded, reason, format, args...)
}

// Canceled returns an error of KindCanceled: the caller went away.
func Canceled(reason, format string, args ...any) *Error {
	return newError(KindCanceled, reason, format, args...)
}

// Unimplemented returns an error of KindUnimplemented: not offered here.
func Unimplemented(reason, format string, args ...any) *Error {
	return newError(KindUnimplemented, reason, format, args...)
}

// Internal returns an error of KindInternal: a bug or broken data.
func Internal(reason, format string, args ...any) *Error {
	return newError(KindInternal, reason, format, args...)
}
