package rpc

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// observers are the interceptors that follow calls, outermost first. Without anybody who records they only pass the trace
// on, from the request to the context and from there to calls of other services.
func observers(t telemetry.Providers) ([]connect.Interceptor, error) {
	chain := []connect.Interceptor{traceIn{}}
	if t.Traces() {
		spans, err := otelconnect.NewInterceptor(
			otelconnect.WithoutMetrics(), // measured does that for a fifth of the cost
			otelconnect.WithoutServerPeerAttributes(),
			otelconnect.WithoutTraceEvents(),
			otelconnect.WithTrustRemote(),
			otelconnect.WithPropagator(telemetry.Propagator),
			otelconnect.WithTracerProvider(t.Tracer()),
			otelconnect.WithFilter(func(ctx context.Context, _ connect.Spec) bool {
				span := trace.SpanContextFromContext(ctx)
				return !span.IsValid() || span.IsSampled()
			}),
		)
		if err != nil {
			return nil, fmt.Errorf("rpc telemetry: %w", err)
		}
		chain = append(chain, spans)
	}
	if t.Metrics() {
		calls, err := newMeasured(t.Meter())
		if err != nil {
			return nil, fmt.Errorf("rpc telemetry: %w", err)
		}
		chain = append(chain, calls)
	}
	return append(chain, traceOut{}), nil
}

// traceIn puts the trace of a request into the context.
type traceIn struct{ handlerOnly }

// WrapUnary implements connect.Interceptor.
func (traceIn) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if !req.Spec().IsClient {
			ctx = telemetry.Extract(ctx, req.Header())
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (traceIn) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(telemetry.Extract(ctx, conn.RequestHeader()), conn)
	}
}

// traceOut puts the trace of the context into calls of other services.
type traceOut struct{}

// WrapUnary implements connect.Interceptor.
func (traceOut) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if req.Spec().IsClient {
			telemetry.Inject(ctx, req.Header())
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (traceOut) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		telemetry.Inject(ctx, conn.RequestHeader())
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (traceOut) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
