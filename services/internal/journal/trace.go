package journal

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/event"
)

// remembered is how many traces a process remembers for each database.
const remembered = 10_000

// causesKey is where a context keeps the causes of a batch.
type causesKey struct{}

// WithCauses returns a context for handling several events in one go. What is appended under it belongs to the trace of
// the event that is about the same (see event.Key), and to none when there is no such event.
func WithCauses(ctx context.Context, causes map[string]trace.SpanContext) context.Context {
	return context.WithValue(ctx, causesKey{}, causes)
}

// Follow remembers the trace in which something was last heard of, when it is recorded. Work that is done later and on
// nobody's call, such as asking a card provider, then goes on in it if it is done by the same process.
func Follow(db *database.DB, key string, span trace.SpanContext) {
	if span.IsSampled() {
		traces(db).Add(key, span)
	}
}

func traces(db *database.DB) *lru.Cache[string, trace.SpanContext] {
	return database.Kept(db, "journal/traces", func() *lru.Cache[string, trace.SpanContext] {
		known, err := lru.New[string, trace.SpanContext](remembered)
		if err != nil {
			panic(err) // only for a size below 1
		}
		return known
	})
}

// traceHeaders makes the headers that tell an event's trace, as JSON.
type traceHeaders struct {
	db     *database.DB
	span   trace.SpanContext            // of the call or event that is being handled
	causes map[string]trace.SpanContext // of several events, by what they are about
	last   trace.SpanContext
	json   string // of last
}

func newTraceHeaders(ctx context.Context, tx *database.Tx) *traceHeaders {
	causes, _ := ctx.Value(causesKey{}).(map[string]trace.SpanContext)
	return &traceHeaders{db: tx.DB(), span: trace.SpanContextFromContext(ctx), causes: causes, json: "{}"}
}

func (h *traceHeaders) of(msg proto.Message) string {
	key := event.Key(msg)
	span, known := h.span, h.span.IsValid()
	if h.causes != nil {
		span, known = h.causes[key]
	}
	if known {
		Follow(h.db, key, span)
	} else {
		span, _ = traces(h.db).Get(key)
	}
	if !span.Equal(h.last) {
		h.last, h.json = span, headersOf(span)
	}
	return h.json
}

// headersOf spells the W3C header of a span. The shop itself writes no trace state, and the edge lets none in.
func headersOf(span trace.SpanContext) string {
	if !span.IsValid() {
		return "{}"
	}
	flags := span.TraceFlags() & trace.FlagsSampled
	return `{"traceparent":"00-` + span.TraceID().String() + "-" + span.SpanID().String() + "-" + flags.String() + `"}`
}
