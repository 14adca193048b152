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

func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }
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
	return ctx, func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
