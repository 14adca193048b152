package edge_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

const traceID, clickID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// tracedEdge is an edge that records a share of all traces, or has nobody to record for when the share is negative.
func tracedEdge(t *testing.T, b *backends, ratio float64) (http.Handler, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	var providers telemetry.Providers
	if ratio >= 0 {
		var shutdown func(context.Context) error
		providers, shutdown = telemetry.NewProviders(telemetry.Config{SampleRatio: ratio, SpanProcessors: []sdktrace.SpanProcessor{spans}})
		t.Cleanup(func() { require.NoError(t, shutdown(context.WithoutCancel(t.Context()))) })
	}
	m, err := edge.New(open(), b, nil, providers, edge.About{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return m.Handlers[0].Handler, spans
}

func TestCallsAreSpansOfTheirTrace(t *testing.T) {
	b := &backends{answer: func(w http.ResponseWriter, r *http.Request) {
		if !trace.SpanContextFromContext(r.Context()).IsValid() {
			t.Error("a service in this process is in the trace as well")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}}
	handler, spans := tracedEdge(t, b, 1)
	handler.ServeHTTP(httptest.NewRecorder(), post(publicMethod, "203.0.113.9:1", "Traceparent: 00-"+traceID+"-"+clickID+"-00", "Tracestate: vendor=x"))
	require.Len(t, spans.Ended(), 1)
	span := spans.Ended()[0]
	require.Equal(t, "edge "+publicMethod, span.Name())
	require.Equal(t, clickID, span.Parent().SpanID().String())
	require.Equal(t, "Error", span.Status().Code.String())
	require.Equal(t, []string{"00-" + traceID + "-" + span.SpanContext().SpanID().String() + "-01"}, b.last(t).header.Values("Traceparent"))
	require.Empty(t, b.last(t).header.Values("Tracestate"))

	handler.ServeHTTP(httptest.NewRecorder(), post(publicMethod, "203.0.113.9:1"))
	require.NotEqual(t, traceID, spans.Ended()[1].SpanContext().TraceID().String(), "a call that brings no trace begins one")
	for path, name := range map[string]string{"/taproom.made.up/Name": "edge /unknown", "/webhooks/anything": "edge /webhooks/"} {
		handler.ServeHTTP(httptest.NewRecorder(), post(path, "203.0.113.9:1"))
		ended := spans.Ended()
		require.Equal(t, name, ended[len(ended)-1].Name(), "names are few")
	}
	before := len(spans.Ended())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	require.Len(t, spans.Ended(), before, "pages are not traced")
}

func TestTracesThatNobodyRecordsPassThrough(t *testing.T) {
	for _, ratio := range []float64{-1, 0} {
		b := &backends{}
		handler, spans := tracedEdge(t, b, ratio)
		handler.ServeHTTP(httptest.NewRecorder(), post(publicMethod, "203.0.113.9:1", "Traceparent: 00-"+traceID+"-"+clickID+"-01"))
		require.Equal(t, []string{"00-" + traceID + "-" + clickID + "-00"}, b.last(t).header.Values("Traceparent"), "nobody outside has a call recorded")
		handler.ServeHTTP(httptest.NewRecorder(), post(publicMethod, "203.0.113.9:1", "Traceparent: "+strings.Repeat("x", 100)))
		require.NotContains(t, b.last(t).header.Get("Traceparent"), "x")
		require.Empty(t, spans.Ended())
	}
}
