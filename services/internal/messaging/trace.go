package messaging

import (
	"context"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// carrier reads and writes the trace context in a message's headers. NATS headers keep the case of their names.
type carrier nats.Header

// Get returns the header of that name.
func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }

// Set replaces the header of that name.
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }

// Keys returns the names of all headers.
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	return keys
}

// tracing makes one consumer span for each handled event, a child of the span that caused the event.
type tracing struct{ tracer trace.Tracer }

func newTracing(provider trace.TracerProvider) tracing {
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	return tracing{provider.Tracer("github.com/taproom-shop/taproom/services/internal/messaging")}
}

func (t tracing) start(ctx context.Context, consumer string, ev Event) (context.Context, func(error)) {
	ctx = propagation.TraceContext{}.Extract(ctx, carrier(ev.Header))
	ctx, span := t.tracer.Start(ctx, consumer+" "+ev.Type, trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("messaging.system", "nats"),
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", ev.Subject),
			attribute.String("messaging.consumer.group.name", consumer),
			attribute.String("messaging.message.id", ev.ID),
			attribute.Int("taproom.attempt", ev.Attempt),
		)
	}
	return ctx, ending(span)
}

// startBatch makes one span for events that are handled together: a child of what caused the event when there is one,
// else linked to what caused each.
func (t tracing) startBatch(ctx context.Context, consumer string, events []Event) (context.Context, func(error)) {
	if len(events) == 1 {
		return t.start(ctx, consumer, events[0])
	}
	var links []trace.Link
	for _, ev := range events {
		cause := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier(ev.Header)))
		if cause.IsSampled() {
			links = append(links, trace.Link{SpanContext: cause})
		}
	}
	ctx, span := t.tracer.Start(ctx, consumer+" batch", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("messaging.system", "nats"),
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.consumer.group.name", consumer),
			attribute.Int("messaging.batch.message_count", len(events)),
		)
	}
	return ctx, ending(span)
}

func ending(span trace.Span) func(error) {
	return func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
