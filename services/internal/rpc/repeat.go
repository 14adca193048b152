package rpc

import (
	"context"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// repeats marks calls of methods that the schema calls idempotent or without side effects: they may go to another
// instance when one breaks off.
type repeats struct{}

// WrapUnary implements connect.Interceptor.
func (repeats) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if req.Spec().IdempotencyLevel != connect.IdempotencyUnknown {
			ctx = discovery.Repeatable(ctx)
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (repeats) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (repeats) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
