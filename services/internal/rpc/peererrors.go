package rpc

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// ReasonPeerUnavailable says that another service gave no answer of its own.
const ReasonPeerUnavailable = "PEER_UNAVAILABLE"

// Fault turns the error of a call to a service of the shop into the fault that the service answered with, so that
// callers ask for kinds and reasons and may return it as it is. Errors that aren't answers of a Taproom service become
// faults of their code's kind. Clients made with Peers return faults already; this is for those who aren't.
func Fault(err error) error {
	var answer *connect.Error
	if err == nil || errors.Is(err, io.EOF) || !errors.As(err, &answer) {
		return err
	}
	e := &fault.Error{Kind: kinds[answer.Code()], Message: answer.Message(), Cause: err}
	if info := errorInfo(answer); info != nil {
		e.Reason, e.Metadata = info.GetReason(), info.GetMetadata()
	}
	for _, detail := range answer.Details() {
		value, err := detail.Value()
		if bad, ok := value.(*errdetails.BadRequest); ok && err == nil {
			for _, violation := range bad.GetFieldViolations() {
				e.Fields = append(e.Fields, fault.Field{Path: violation.GetField(), Message: violation.GetDescription()})
			}
		}
	}
	switch {
	case e.Kind == 0 || e.Kind == fault.KindInternal:
		return fault.Internal(ReasonInternal, "another service failed").WithCause(err)
	case e.Reason != "":
		return e
	case e.Kind == fault.KindUnavailable:
		e.Reason, e.Message = ReasonPeerUnavailable, "a part of the shop can't be reached: try again in a moment"
	case e.Kind == fault.KindDeadlineExceeded:
		e.Reason, e.Message = ReasonDeadlineExceeded, "a part of the shop did not answer in time: try again"
	case e.Kind == fault.KindCanceled:
		e.Reason = ReasonCanceled
	default:
		// Not an answer of ours: a proxy, or a message that the peer could not read. Its text is not for clients.
		return fault.Internal(ReasonInternal, "another service failed").WithCause(err)
	}
	return e
}

// peerErrors makes faults of the errors of calls to peers.
type peerErrors struct{}

// WrapUnary implements connect.Interceptor.
func (peerErrors) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		answer, err := next(ctx, req)
		if err != nil {
			return nil, ownFailure(Fault(err), req.Header().Get(CustomerHeader) != "")
		}
		return answer, nil
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (peerErrors) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return faultConn{next(ctx, spec)}
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (peerErrors) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

type faultConn struct{ connect.StreamingClientConn }

// Receive implements connect.StreamingClientConn.
func (c faultConn) Receive(message any) error {
	return c.explain(c.StreamingClientConn.Receive(message))
}

func (c faultConn) explain(err error) error {
	return ownFailure(Fault(err), c.RequestHeader().Get(CustomerHeader) != "")
}

// ownFailure hides from the person that this service's own token was refused: told as it is, it would send the
// person's client into refreshing a token that is good.
func ownFailure(err error, forPerson bool) error {
	if fault.KindOf(err) != fault.KindUnauthenticated || (forPerson && fault.ReasonOf(err) != ReasonServiceTokenInvalid) {
		return err
	}
	return fault.Internal(ReasonInternal, "another service refused this one").WithCause(err)
}

func errorInfo(answer *connect.Error) *errdetails.ErrorInfo {
	for _, detail := range answer.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}

var kinds = func() map[connect.Code]fault.Kind {
	reverse := make(map[connect.Code]fault.Kind, len(codes))
	for kind, code := range codes {
		reverse[code] = kind
	}
	return reverse
}()
