package shop

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
)

// Caller is somebody who calls a running shop with a token, from outside or in its process.
type Caller struct {
	HTTP  connect.HTTPClient
	URL   string
	Token string
}

// Options are the options of the caller's clients.
func (c Caller) Options() []connect.ClientOption {
	return []connect.ClientOption{connect.WithInterceptors(bearer(c.Token))}
}

// bearer puts a token on every call.
type bearer string

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		b.set(req.Header())
		return next(ctx, req)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		b.set(conn.RequestHeader())
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (b bearer) set(h http.Header) {
	if b != "" {
		h.Set("Authorization", "Bearer "+string(b))
	}
}
