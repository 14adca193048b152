package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Reasons of errors that no handler names.
const (
	ReasonInternal         = "INTERNAL"
	ReasonValidationFailed = "VALIDATION_FAILED"
	ReasonDeadlineExceeded = "DEADLINE_EXCEEDED"
	ReasonCanceled         = "CANCELED"

	// ReasonDatabaseUnavailable says that the service's database is away.
	ReasonDatabaseUnavailable = "DATABASE_UNAVAILABLE"
)

// errorMapper turns what handlers return, and what they panic with, into answers. Faults are told as they are; of
// anything unexpected the client hears that it happened, and the log why.
type errorMapper struct {
	handlerOnly
	domain string
	log    *slog.Logger
}

// WrapUnary implements connect.Interceptor.
func (m errorMapper) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (answer connect.AnyResponse, err error) {
		defer func() {
			if err = recovered(recover(), err); err != nil {
				answer, err = nil, m.answer(ctx, req.Spec().Procedure, err)
			}
		}()
		begun(ctx)
		if err := ctx.Err(); err != nil { // it came too late: nobody waits for the answer
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (m errorMapper) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) (err error) {
		defer func() {
			if err = recovered(recover(), err); err != nil {
				err = m.answer(ctx, conn.Spec().Procedure, err)
			}
		}()
		begun(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		return next(ctx, readableConn{conn})
	}
}

// recovered returns err, or an error that tells of a panic and where it happened.
func recovered(panicked any, err error) error {
	if panicked == nil {
		return err
	}
	if panicked == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this too
		panic(panicked)
	}
	return fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
}

func (m errorMapper) answer(ctx context.Context, procedure string, err error) error {
	known := explain(ctx, err)
	if known == nil {
		return err // connect's own errors say what is wrong
	}
	switch {
	case known.Kind == fault.KindInternal:
		m.log.ErrorContext(ctx, "call failed",
			slog.String("procedure", procedure), slog.String("reason", known.Reason), slog.Any("error", err))
		known = fault.Internal(ReasonInternal, "internal error")
	case known.Kind == fault.KindUnavailable && known.Reason != ReasonPeerUnavailable && database.IsUnavailable(err):
		m.log.ErrorContext(ctx, "database is away", slog.String("procedure", procedure), slog.Any("error", err))
	default:
		m.log.DebugContext(ctx, "call refused", slog.String("procedure", procedure), slog.Any("error", err))
	}
	return toConnect(known, m.domainOf(err))
}

// explain finds the fault in err, or makes the one that err amounts to; nil means that err is an answer already.
func explain(ctx context.Context, err error) *fault.Error {
	var (
		known      *fault.Error
		violations *protovalidate.ValidationError
		answer     *connect.Error
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &violations):
		return invalid(violations)
	case connect.IsNotModifiedError(err):
		return nil
	case errors.As(err, &answer) && !connect.IsWireError(answer) && tellable(answer.Code()):
		return nil
	case ctx.Err() == nil && database.IsUnavailable(err):
		return fault.Unavailable(ReasonDatabaseUnavailable, "the data can't be reached right now: try again in a moment")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fault.DeadlineExceeded(ReasonDeadlineExceeded, "there was not enough time to answer: try again")
	case ctx.Err() != nil:
		return fault.Canceled(ReasonCanceled, "the call was canceled")
	default:
		return fault.Internal(ReasonInternal, "internal error")
	}
}

// tellable reports whether the texts of connect's own errors of this code are meant for the client.
func tellable(code connect.Code) bool {
	return code != connect.CodeUnknown && code != connect.CodeInternal && code != connect.CodeDataLoss
}

func invalid(violations *protovalidate.ValidationError) *fault.Error {
	e := fault.Invalid(ReasonValidationFailed, "the request is not valid: %s",
		strings.TrimPrefix(violations.Error(), "validation error: "))
	for _, violation := range violations.Violations {
		e.Fields = append(e.Fields, fault.Field{
			Path:    protovalidate.FieldPathString(violation.Proto.GetField()),
			Message: violation.Proto.GetMessage(),
		})
	}
	return e
}

// domainOf returns the domain that an error's reason belongs to: this service's, or that of the peer who gave it.
func (m errorMapper) domainOf(err error) string {
	var answer *connect.Error
	if errors.As(err, &answer) && connect.IsWireError(answer) {
		if info := errorInfo(answer); info.GetDomain() != "" {
			return info.GetDomain()
		}
	}
	return m.domain
}

func toConnect(e *fault.Error, domain string) *connect.Error {
	answer := connect.NewError(codes[e.Kind], errors.New(e.Message))
	addDetail(answer, &errdetails.ErrorInfo{Reason: e.Reason, Domain: domain, Metadata: e.Metadata})
	if len(e.Fields) > 0 {
		bad := &errdetails.BadRequest{}
		for _, field := range e.Fields {
			bad.FieldViolations = append(bad.FieldViolations,
				&errdetails.BadRequest_FieldViolation{Field: field.Path, Description: field.Message, Reason: e.Reason})
		}
		addDetail(answer, bad)
	}
	return answer
}

// addDetail leaves a detail out that can't be encoded, such as metadata that is not UTF-8: the answer counts more.
func addDetail(answer *connect.Error, message proto.Message) {
	if detail, err := connect.NewErrorDetail(message); err == nil {
		answer.AddDetail(detail)
	}
}

var codes = map[fault.Kind]connect.Code{
	fault.KindInvalid:            connect.CodeInvalidArgument,
	fault.KindNotFound:           connect.CodeNotFound,
	fault.KindAlreadyExists:      connect.CodeAlreadyExists,
	fault.KindFailedPrecondition: connect.CodeFailedPrecondition,
	fault.KindPermissionDenied:   connect.CodePermissionDenied,
	fault.KindUnauthenticated:    connect.CodeUnauthenticated,
	fault.KindResourceExhausted:  connect.CodeResourceExhausted,
	fault.KindAborted:            connect.CodeAborted,
	fault.KindOutOfRange:         connect.CodeOutOfRange,
	fault.KindUnavailable:        connect.CodeUnavailable,
	fault.KindDeadlineExceeded:   connect.CodeDeadlineExceeded,
	fault.KindCanceled:           connect.CodeCanceled,
	fault.KindUnimplemented:      connect.CodeUnimplemented,
	fault.KindInternal:           connect.CodeInternal,
}
