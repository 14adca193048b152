package telemetry_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

const sampledParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func tracing(t *testing.T, ratio float64) (telemetry.Providers, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	providers, shutdown := telemetry.NewProviders(telemetry.Config{
		Service: "taproom", Version: "v1", SampleRatio: ratio, SpanProcessors: []sdktrace.SpanProcessor{spans},
	})
	t.Cleanup(func() { require.NoError(t, shutdown(context.WithoutCancel(t.Context()))) })
	return providers, spans
}

func TestSpansAreTheirServices(t *testing.T) {
	providers, spans := tracing(t, 1)
	_, span := providers.Of("cart").Tracer().Tracer("test").Start(t.Context(), "click")
	span.End()
	require.Len(t, spans.Ended(), 1)
	require.Contains(t, spans.Ended()[0].Resource().String(), "service.name=cart")
	require.Contains(t, spans.Ended()[0].Resource().String(), "service.version=v1")
}

func TestSamplingFollowsTheBeginnerOfATrace(t *testing.T) {
	providers, spans := tracing(t, 0)
	tracer := providers.Tracer().Tracer("test")
	_, span := tracer.Start(t.Context(), "not sampled")
	span.End()
	require.Empty(t, spans.Ended())

	parent := trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true}
	_, span = tracer.Start(trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(parent)), "sampled elsewhere")
	span.End()
	require.Len(t, spans.Ended(), 1)

	parent.TraceFlags = 0
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(parent))
	inner, span := tracer.Start(ctx, "not sampled elsewhere")
	span.End()
	require.Len(t, spans.Ended(), 1)
	require.Equal(t, parent.SpanID, trace.SpanContextFromContext(inner).SpanID(), "its ids go on as they came")
}

func TestWithoutRecordersTheTraceIsPassedOn(t *testing.T) {
	var providers telemetry.Providers
	require.False(t, providers.Traces())
	require.False(t, providers.Metrics())
	header := http.Header{"Traceparent": {sampledParent}}
	ctx := telemetry.Extract(t.Context(), header)
	ctx, span := providers.Of("cart").Tracer().Tracer("test").Start(ctx, "click")
	defer span.End()
	require.False(t, span.IsRecording())
	next := http.Header{}
	telemetry.Inject(ctx, next)
	require.Equal(t, header, next)
	telemetry.Inject(t.Context(), next)
	require.Equal(t, header, next, "no trace leaves it alone")
}

func TestNobodyOutsideDecidesWhatIsRecorded(t *testing.T) {
	id, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	for ratio, sampled := range map[float64]bool{0: false, 1: true} {
		providers, _ := tracing(t, ratio)
		for _, flag := range []string{"00", "01"} {
			header := http.Header{"Traceparent": {sampledParent[:53] + flag}, "Tracestate": {"vendor=x"}}
			span := trace.SpanContextFromContext(providers.Admit(t.Context(), header))
			require.Equal(t, id, span.TraceID(), "the click can be found")
			require.Equal(t, sampled, span.IsSampled())
			require.Zero(t, span.TraceState().Len())
			require.Empty(t, header)
		}
	}
	providers, _ := tracing(t, 0.25)
	other, _ := tracing(t, 0.25)
	const n = 20_000
	passed, differ := 0, 0
	for i := range n {
		header := http.Header{"Traceparent": {trace.TraceID{1, byte(i), byte(i >> 8)}.String()}}
		header.Set("Traceparent", "00-"+header.Get("Traceparent")+"-b7ad6b7169203331-01")
		again := header.Clone()
		sampled := trace.SpanContextFromContext(providers.Admit(t.Context(), header)).IsSampled()
		if sampled {
			passed++
		}
		require.Equal(t, sampled, trace.SpanContextFromContext(providers.Admit(t.Context(), again.Clone())).IsSampled(), "all calls of a click alike")
		if sampled != trace.SpanContextFromContext(other.Admit(t.Context(), again)).IsSampled() {
			differ++
		}
	}
	require.InDelta(t, 0.25, float64(passed)/n, 0.05)
	require.Greater(t, differ, n/4, "no id passes everywhere")

	for _, wrong := range []string{"", "garbage", "00-00000000000000000000000000000000-b7ad6b7169203331-01"} {
		header := http.Header{"Traceparent": {wrong}}
		require.False(t, trace.SpanContextFromContext(providers.Admit(t.Context(), header)).IsValid())
		require.Empty(t, header)
	}
}

func TestOpenTellsHowToMendSettings(t *testing.T) {
	for _, ratio := range []float64{-0.1, 1.1} {
		_, err := telemetry.Open(t.Context(), slog.New(slog.DiscardHandler), "taproom", "v1", telemetry.Options{TraceRatio: ratio}, false)
		require.ErrorContains(t, err, "write a number from 0, no traces, to 1, all")
	}
	for _, endpoint := range []string{"127.0.0.1:4318", "collector", "ftp://collector"} {
		_, err := telemetry.Open(t.Context(), slog.New(slog.DiscardHandler), "taproom", "v1", telemetry.Options{OTLPEndpoint: endpoint}, false)
		require.ErrorContains(t, err, "write one such as http://127.0.0.1:4318")
	}
	told, err := telemetry.Open(t.Context(), slog.New(slog.DiscardHandler), "taproom", "v1", telemetry.Options{
		TraceRatio: 1, OTLPEndpoint: "http://127.0.0.1:1", TracesExporter: "none",
	}, false)
	require.NoError(t, err)
	require.False(t, told.Traces(), "nothing says where traces go")
	require.Nil(t, told.Handler)
	told.Close(t.Context())
}

func TestMetricsAreServedToPrometheus(t *testing.T) {
	told, err := telemetry.Open(t.Context(), slog.New(slog.DiscardHandler), "taproom", "v1", telemetry.Options{}, true)
	require.NoError(t, err)
	defer told.Close(t.Context())
	counter, err := told.Meter().Meter("test").Int64Counter("taproom.beers")
	require.NoError(t, err)
	counter.Add(t.Context(), 3)
	answer := httptest.NewRecorder()
	told.Handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	require.Contains(t, answer.Body.String(), "\ntaproom_beers_total 3\n")
	require.Contains(t, answer.Body.String(), "\ngo_goroutine_count ")
	require.Contains(t, answer.Body.String(), "\nprocess_cpu_seconds_total ")
}

func TestSourcesAreReadInTheBackground(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	providers, shutdown := telemetry.NewProviders(telemetry.Config{Service: "cart", MetricReaders: []sdkmetric.Reader{reader}})
	var length, reads atomic.Int64
	var failure atomic.Pointer[error]
	source := telemetry.Source{
		Name: "queue", Every: time.Millisecond,
		Metrics: []telemetry.Metric{{Name: "taproom.queue", Unit: "{beer}"}, {Name: "taproom.reads", Counter: true}},
		Read: func(_ context.Context, tell telemetry.Tell) error {
			tell("taproom.queue", float64(length.Load()), attribute.String("queue", "a"))
			tell("taproom.reads", float64(reads.Add(1)))
			if err := failure.Load(); err != nil {
				return *err
			}
			return nil
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	log := slog.New(slog.DiscardHandler)
	for _, service := range []string{"cart", "order"} {
		go func() { ended <- telemetry.Watch(ctx, log, providers, service, source) }()
	}
	// queue answers the length that the metric has for each service.
	queue := func() map[string]float64 {
		var data metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &data))
		values := make(map[string]float64)
		for _, scope := range data.ScopeMetrics {
			for _, m := range scope.Metrics {
				if gauge, ok := m.Data.(metricdata.Gauge[float64]); ok && m.Name == "taproom.queue" {
					for _, point := range gauge.DataPoints {
						service, _ := point.Attributes.Value("service")
						values[service.AsString()] = point.Value
					}
				}
			}
		}
		return values
	}
	becomes := func(want map[string]float64) {
		t.Helper()
		require.Eventually(t, func() bool {
			return len(want) == len(queue()) && queue()["cart"] == want["cart"] && queue()["order"] == want["order"]
		},
			10*time.Second, time.Millisecond)
	}
	length.Store(7)
	becomes(map[string]float64{"cart": 7, "order": 7})
	away := errors.New("away")
	failure.Store(&away)
	becomes(nil)
	failure.Store(nil)
	length.Store(8)
	becomes(map[string]float64{"cart": 8, "order": 8})
	stop()
	require.NoError(t, errors.Join(<-ended, <-ended))
	require.Empty(t, queue(), "who has stopped tells nothing")
	require.NoError(t, shutdown(context.WithoutCancel(t.Context())))
}
