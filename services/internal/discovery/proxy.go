package discovery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// ReasonServiceUnavailable says that no instance of the service could be reached.
const ReasonServiceUnavailable = "SERVICE_UNAVAILABLE"

// keptRequest bounds the bodies that are kept so that a repeatable call can be sent again.
const keptRequest = 256 << 10

// Handler returns what hands requests on to the instances of a service as they are, for the edge: piece by piece, with
// trailers, for as long as the client stays. Who calls is told by the headers of the request; nothing is added.
func (c *Consul) Handler(service string) http.Handler {
	proxy := &httputil.ReverseProxy{
		// Answers of unknown length, streams among them, are flushed piece by piece without being told to. Others must not be:
		// a flush would part the headers of an answer without a body from its end, which some gRPC clients take for an error.
		Transport: c.Transport(service),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", service
			if c.cfg.TLS != nil {
				r.Out.URL.Scheme = "https"
			}
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := r.In.Header[name]; ok {
					r.Out.Header[name] = values
				}
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			c.cfg.Log.DebugContext(r.Context(), "a call could not be handed on", slog.String("peer", service), slog.Any("error", err))
			answerError(w, r, service, err)
		},
		ErrorLog:   slog.NewLogLogger(c.cfg.Log.Handler(), slog.LevelDebug),
		BufferPool: &buffers,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An instance may answer before it has read all, as when it refuses a stream. The server would then close the body of a
		// client that speaks HTTP/1.1, and so break the answer off: what such a client sends is taken in first.
		if repeatable(r.Context()) || r.ProtoMajor == 1 {
			if err := keepBody(r); err != nil {
				answerError(w, r, service, err)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	})
}

// keepBody makes r one that can be sent again, unless its body is too large.
func keepBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	kept, err := io.ReadAll(io.LimitReader(r.Body, keptRequest+1))
	if err != nil {
		return err
	}
	if len(kept) > keptRequest {
		r.Body = joinedBody{io.MultiReader(bytes.NewReader(kept), r.Body), r.Body}
		return nil
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(kept)), nil }
	r.Body, _ = r.GetBody()
	return nil
}

var errorWriter = connect.NewErrorWriter()

// answerError tells a client, in the protocol of its call, that there is no answer of the service.
func answerError(w http.ResponseWriter, r *http.Request, service string, cause error) {
	var told *connect.Error // the request itself was the trouble
	switch {
	case errors.As(cause, &told):
	case errors.Is(cause, context.Canceled):
		told = connect.NewError(connect.CodeCanceled, errors.New("the call was canceled"))
	case errors.Is(cause, context.DeadlineExceeded):
		told = connect.NewError(connect.CodeDeadlineExceeded, errors.New("the shop did not answer in time: try again"))
	default:
		told = connect.NewError(connect.CodeUnavailable, errors.New("the service "+service+" can't be reached: try again in a moment"))
		info := &errdetails.ErrorInfo{Reason: ReasonServiceUnavailable, Domain: "edge.taproom"}
		if detail, err := connect.NewErrorDetail(info); err == nil {
			told.AddDetail(detail)
		}
	}
	_ = errorWriter.Write(w, r, told) // it fails only when the client is gone
}

// buffers are used for copying answers.
var buffers bufferPool

const bufferSize = 32 << 10

type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return buffer[:]
	}
	return make([]byte, bufferSize)
}

// Put implements httputil.BufferPool.
func (b *bufferPool) Put(buffer []byte) { b.pool.Put((*[bufferSize]byte)(buffer)) }
