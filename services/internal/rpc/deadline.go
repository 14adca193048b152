package rpc

import (
	"context"

	"connectrpc.com/connect"
)

// deadline bounds unary calls. Streams live for as long as their token.
type deadline struct{ handlerOnly }

// WrapUnary implements connect.Interceptor.
func (deadline) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, cancel := context.WithTimeout(ctx, MaxUnaryTime)
		defer cancel()
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (deadline) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// handlerOnly is the client's side of interceptors that have none.
type handlerOnly struct{}

// WrapStreamingClient implements connect.Interceptor.
func (handlerOnly) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}
