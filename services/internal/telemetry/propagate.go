package telemetry

import (
	"context"
	"hash/maphash"
	"math"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Propagator reads and writes the W3C trace context, by which services tell each other which trace they work for.
var Propagator propagation.TextMapPropagator = propagation.TraceContext{}

// The headers of the trace context, as net/http spells them.
const (
	TraceParent = "Traceparent"
	TraceState  = "Tracestate"
)

// Extract returns ctx with the trace that a request from another service of the shop belongs to. A context that is in one
// already keeps it.
func Extract(ctx context.Context, header http.Header) context.Context {
	if len(header[TraceParent]) == 0 || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return Propagator.Extract(ctx, propagation.HeaderCarrier(header))
}

// Inject tells the receiver of a request which trace it belongs to, if it does.
func Inject(ctx context.Context, header http.Header) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		Propagator.Inject(ctx, propagation.HeaderCarrier(header))
	}
}

// Admit returns ctx with the trace that a request from outside says it belongs to. The ids are taken as they are, so that
// a click can be found; whether the trace is recorded is decided here, by the ratio and a secret of this process: nobody
// outside can have their calls recorded, or choose ids that are. Anything else that came with the trace is dropped.
func (p Providers) Admit(ctx context.Context, header http.Header) context.Context {
	ctx = Extract(ctx, header)
	delete(header, TraceParent)
	delete(header, TraceState)
	claimed := trace.SpanContextFromContext(ctx)
	if !claimed.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: claimed.TraceID(), SpanID: claimed.SpanID(), TraceFlags: trace.TraceFlags(0).WithSampled(p.Traces() && p.gate.passes(claimed.TraceID())),
	}))
}

// gate lets a share of all trace ids pass, always the same ones in one process.
type gate struct {
	seed  maphash.Seed
	limit float64 // of the hash
}

func newGate(ratio float64) gate { return gate{maphash.MakeSeed(), ratio * math.MaxUint64} }

func (g gate) passes(id trace.TraceID) bool {
	return g.limit > 0 && float64(maphash.Bytes(g.seed, id[:])) <= g.limit
}
