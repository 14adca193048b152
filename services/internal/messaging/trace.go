package messaging

import (
	"context"
	"strings"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
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

// InjectTrace tells in a message's headers which trace it belongs to, for those who publish without an outbox.
func InjectTrace(ctx context.Context, header nats.Header) {
	propagation.TraceContext{}.Inject(ctx, carrier(header))
}

// tracing makes one consumer span for each handled event, a child of the span that caused the event.
type tracing struct {
	tracer trace.Tracer
	db     *database.DB // where effects are noted; nil: nowhere
}

// newTracing makes spans with provider, or none with nil: the trace's ids are passed on all the same.
func newTracing(provider trace.TracerProvider, db *database.DB) tracing {
	if provider == nil {
		provider = nooptrace.NewTracerProvider()
	}
	return tracing{provider.Tracer("github.com/taproom-shop/taproom/services/internal/messaging"), db}
}

// start continues the trace of an event while it is handled.
func (t tracing) start(ctx context.Context, consumer string, ev Event) (context.Context, func(error)) {
	if ev.Header.Get(HeaderTraceParent) != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, carrier(ev.Header))
	}
	if cause := trace.SpanContextFromContext(ctx); cause.IsValid() && !cause.IsSampled() {
		return ctx, func(error) {} // nobody would see a span
	}
	name := ev.Type[strings.LastIndexByte(ev.Type, '.')+1:]
	ctx, span := t.tracer.Start(ctx, consumer+" "+name, trace.WithSpanKind(trace.SpanKindConsumer))
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
	if t.db != nil {
		journal.Follow(t.db, about(ev), span.SpanContext())
	}
	return ctx, ending(span)
}

// startBatch continues the traces of events that are handled together: each has its span, for as long as the batch takes,
// and what is written to the outbox follows from the event that is about the same.
func (t tracing) startBatch(ctx context.Context, consumer string, events []Event) (context.Context, func(error)) {
	if len(events) == 1 {
		return t.start(ctx, consumer, events[0])
	}
	causes := make(map[string]trace.SpanContext, len(events))
	ends := make([]func(error), 0, len(events))
	for _, ev := range events {
		own, end := t.start(ctx, consumer, ev)
		span := trace.SpanFromContext(own)
		if span.IsRecording() {
			span.SetAttributes(attribute.Int("messaging.batch.message_count", len(events)))
		}
		if span.SpanContext().IsValid() {
			causes[about(ev)] = span.SpanContext()
		}
		ends = append(ends, end)
	}
	return journal.WithCauses(ctx, causes), func(err error) {
		for _, end := range ends {
			end(err)
		}
	}
}

func about(ev Event) string {
	if key := event.Key(ev.Message); key != "" {
		return key
	}
	return ev.AggregateID()
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
