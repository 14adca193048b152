package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
)

// quietProvider makes tracers that leave alone the traces that are not sampled. OpenTelemetry's own would make a span with
// an id of its own for each call and message of them, which nobody ever sees.
type quietProvider struct{ trace.TracerProvider }

// Tracer implements trace.TracerProvider.
func (p quietProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return quietTracer{p.TracerProvider.Tracer(name, options...)}
}

type quietTracer struct{ trace.Tracer }

// Start implements trace.Tracer.
func (t quietTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if parent := trace.SpanContextFromContext(ctx); parent.IsValid() && !parent.IsSampled() {
		return nooptrace.Tracer{}.Start(ctx, name, options...)
	}
	return t.Tracer.Start(ctx, name, options...) //nolint:spancheck // who starts it ends it
}
