package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Reasons of requests that no handler gets to see.
const (
	ReasonRequestUnreadable = "REQUEST_UNREADABLE"
	ReasonRequestTooLarge   = "REQUEST_TOO_LARGE"
)

// unreadable explains why a request could not be read, by the error that connect has for it. What connect takes for its
// own failure, such as a message that ends too early, is the client's.
func unreadable(code connect.Code, text string) *fault.Error {
	switch code {
	case connect.CodeResourceExhausted:
		return fault.ResourceExhausted(ReasonRequestTooLarge, "the request is too large, send less at once: %s", text)
	case connect.CodeDeadlineExceeded:
		return fault.DeadlineExceeded(ReasonDeadlineExceeded, "the request did not arrive in time: try again")
	case connect.CodeCanceled:
		return fault.Canceled(ReasonCanceled, "the call was canceled")
	case connect.CodeUnimplemented:
		return fault.Unimplemented(ReasonRequestUnreadable, "the request can't be read, send what the schema says: %s", text)
	default:
		return fault.Invalid(ReasonRequestUnreadable, "the request can't be read, send what the schema and its headers say: %s", text)
	}
}

// readableConn explains why messages of a stream can't be read.
type readableConn struct{ connect.StreamingHandlerConn }

// Receive implements connect.StreamingHandlerConn.
func (c readableConn) Receive(message any) error {
	err := c.StreamingHandlerConn.Receive(message)
	var failure *connect.Error
	if err == nil || errors.Is(err, io.EOF) || !errors.As(err, &failure) {
		return err
	}
	return unreadable(failure.Code(), failure.Message()).WithCause(err)
}

// Explain gives a reason to the errors of calls that end before any interceptor sees them: connect reads the message of a
// unary call first, and answers alone when it can't. It belongs around the handlers of a service's proto services.
func Explain(service string, handler http.Handler) http.Handler {
	writer := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &earlyAnswer{ResponseWriter: w}
		handler.ServeHTTP(a, r.WithContext(context.WithValue(r.Context(), earlyAnswerKey{}, a)))
		if a.begun {
			return
		}
		if known := a.explain(); known != nil {
			_ = writer.Write(w, r, toConnect(known, service+domainSuffix)) // who went away hears nothing
			return
		}
		a.replay()
	})
}

// begun says that a call has got as far as the interceptors.
func begun(ctx context.Context) {
	if a, ok := ctx.Value(earlyAnswerKey{}).(*earlyAnswer); ok {
		a.begun = true
	}
}

type earlyAnswerKey struct{}

// earlyAnswer holds back what is answered before the call has begun.
type earlyAnswer struct {
	http.ResponseWriter
	begun  bool
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *earlyAnswer) WriteHeader(status int) {
	if a.begun {
		a.ResponseWriter.WriteHeader(status)
	} else if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *earlyAnswer) Write(p []byte) (int, error) {
	if a.begun {
		return a.ResponseWriter.Write(p)
	}
	return a.body.Write(p)
}

// Flush implements http.Flusher, which connect needs for streams.
func (a *earlyAnswer) Flush() {
	if a.begun {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
}

// Unwrap is for http.ResponseController.
func (a *earlyAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// replay answers what was held back.
func (a *earlyAnswer) replay() {
	if a.status != 0 {
		a.ResponseWriter.WriteHeader(a.status)
	}
	_, _ = a.ResponseWriter.Write(a.body.Bytes())
}

// explain tells what connect answered; nil when that is no error of a call, such as an unknown content type.
func (a *earlyAnswer) explain() *fault.Error {
	if status, ok := a.take("Grpc-Status"); ok {
		text, _ := a.take("Grpc-Message")
		a.take("Grpc-Status-Details-Bin")
		code, _ := strconv.ParseUint(status, 10, 32)
		return unreadable(connect.Code(code), text)
	}
	type failure struct {
		Code    *connect.Code `json:"code"`
		Message string        `json:"message"`
	}
	var answer struct {
		failure
		Error failure `json:"error"` // at the end of a stream
	}
	text := a.body.Bytes()
	if strings.HasPrefix(a.Header().Get("Content-Type"), "application/connect+") && len(text) > 5 {
		text = text[5:] // the envelope's flags and size
	}
	_ = json.Unmarshal(text, &answer) // what is no answer to a call has no code
	if answer.Code == nil {
		answer.failure = answer.Error
	}
	if answer.Code == nil {
		return nil
	}
	return unreadable(*answer.Code, answer.Message)
}

// take removes a header or trailer of gRPC.
func (a *earlyAnswer) take(name string) (value string, found bool) {
	for _, key := range []string{name, http.TrailerPrefix + name} {
		if values := a.Header()[key]; len(values) > 0 {
			value, found = values[0], true
		}
		delete(a.Header(), key)
	}
	return value, found
}
