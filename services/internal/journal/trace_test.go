package journal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

func span(number byte, flags trace.TraceFlags) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{number}, SpanID: trace.SpanID{number}, TraceFlags: flags})
}

// parents appends events and answers the traceparent of each.
func parents(ctx context.Context, t *testing.T, db *database.DB, msgs ...proto.Message) (all []string) {
	t.Helper()
	require.NoError(t, db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error { return journal.Append(ctx, tx, msgs...) }))
	pending, err := journal.Pending(ctx, db, 100)
	require.NoError(t, err)
	ids := make([]string, len(pending))
	for i, r := range pending {
		all, ids[i] = append(all, r.Headers["traceparent"]), r.ID
	}
	require.NoError(t, journal.MarkPublished(ctx, db, ids, db.Now()))
	return all
}

func orderPaid(order string) proto.Message { return &eventv1.OrderPaid{OrderId: order} }

func TestEventsOfABatchBelongToTheTraceOfTheirCause(t *testing.T) {
	db := databasetest.SQLite(t, journal.Migrations)
	one, two := span(1, trace.FlagsSampled), span(2, 0)
	ctx := journal.WithCauses(t.Context(), map[string]trace.SpanContext{"a": one, "b": two})
	require.Equal(t, []string{
		"00-01000000000000000000000000000000-0100000000000000-01",
		"00-02000000000000000000000000000000-0200000000000000-00",
		"",
		"00-01000000000000000000000000000000-0100000000000000-01",
	}, parents(ctx, t, db, orderPaid("a"), orderPaid("b"), orderPaid("c"), &eventv1.PackageReady{PackageId: "p", OrderId: "a"}))
}

func TestLaterWorkGoesOnInTheTraceThatIsRecorded(t *testing.T) {
	db := databasetest.SQLite(t, journal.Migrations)
	call := trace.ContextWithSpanContext(t.Context(), span(1, trace.FlagsSampled))
	parents(call, t, db, orderPaid("a"))
	parents(trace.ContextWithSpanContext(t.Context(), span(2, 0)), t, db, orderPaid("b"))
	journal.Follow(db, "c", span(3, trace.FlagsSampled))
	journal.Follow(db, "d", span(4, 0))
	require.Equal(t, []string{
		"00-01000000000000000000000000000000-0100000000000000-01", "",
		"00-03000000000000000000000000000000-0300000000000000-01", "",
	}, parents(t.Context(), t, db, orderPaid("a"), orderPaid("b"), orderPaid("c"), orderPaid("d")))
	require.Equal(t, map[string]int64{"OrderPaid": 6}, journal.Appended(db))
}
