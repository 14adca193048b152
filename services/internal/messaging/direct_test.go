package messaging_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func TestPublishStoresAnEventOnceUnderItsID(t *testing.T) {
	b := newBroker(t)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	moved := &eventv1.CourierMoved{PackageId: "p1", OrderId: "o1", Step: 1, ProgressPercent: 20}
	for range 2 {
		require.NoError(t, messaging.Publish(ctx, b.js, "courier", "event-1", moved))
	}
	stored := b.stored(t, messaging.StreamCourier)
	require.Len(t, stored, 1)
	require.Equal(t, "taproom.courier.moved.p1", stored[0].Subject)
	header := stored[0].Header
	require.Equal(t, "event-1", header.Get(nats.MsgIdHdr))
	require.Equal(t, "event-1", header.Get(messaging.HeaderID))
	require.Equal(t, "taproom.event.v1.CourierMoved", header.Get(messaging.HeaderType))
	require.Equal(t, "taproom/courier", header.Get(messaging.HeaderSource))
	require.Equal(t, "p1", header.Get(messaging.HeaderSubject))
	require.Contains(t, header.Get(messaging.HeaderTraceParent), span.TraceID().String())
	var got eventv1.CourierMoved
	require.NoError(t, proto.Unmarshal(stored[0].Data, &got))
	require.True(t, proto.Equal(moved, &got))
}

func TestPublishRefusesWhatIsNoEvent(t *testing.T) {
	b := newBroker(t)
	require.Error(t, messaging.Publish(t.Context(), b.js, "courier", "event-1", &eventv1.OrderLine{}))
	require.Error(t, messaging.Publish(t.Context(), b.js, "courier", "event-1", &eventv1.CourierMoved{}))
}
