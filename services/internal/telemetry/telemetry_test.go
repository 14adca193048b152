package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

func TestLogLinesCarryTheTrace(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelInfo)
	require.NoError(t, err)
	providers, shutdown := telemetry.NewProviders(telemetry.Config{Service: "cart"})
	defer func() { require.NoError(t, shutdown(context.WithoutCancel(t.Context()))) }()
	ctx, span := providers.Tracer.Tracer("test").Start(t.Context(), "click")
	defer span.End()

	log.With(slog.String("service", "cart")).InfoContext(ctx, "added")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "cart", line["service"])
	require.Equal(t, span.SpanContext().TraceID().String(), line["trace_id"])
	require.Equal(t, span.SpanContext().SpanID().String(), line["span_id"])

	out.Reset()
	log.Info("no trace")
	require.NotContains(t, out.String(), "trace_id")
	log.Debug("too fine")
	require.NotContains(t, out.String(), "too fine")
}

func TestLogFormats(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.FormatText, slog.LevelInfo)
	require.NoError(t, err)
	log.Info("hello", slog.String("beer", "stout"))
	require.Contains(t, out.String(), "msg=hello beer=stout")
	_, err = telemetry.NewLogger(&out, "xml", slog.LevelInfo)
	require.ErrorContains(t, err, `"xml"`)
}

func TestSpansAndMetricsGoWhereTheyAreSent(t *testing.T) {
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	providers, shutdown := telemetry.NewProviders(telemetry.Config{
		Service: "cart", Version: "v1", SampleRatio: 1,
		SpanProcessors: []sdktrace.SpanProcessor{spans}, MetricReaders: []sdkmetric.Reader{reader},
	})
	_, span := providers.Tracer.Tracer("test").Start(t.Context(), "click")
	span.End()
	require.Len(t, spans.Ended(), 1)
	require.Contains(t, spans.Ended()[0].Resource().String(), "service.name=cart")

	counter, err := providers.Meter.Meter("test").Int64Counter("beers")
	require.NoError(t, err)
	counter.Add(t.Context(), 3)
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	require.Equal(t, "beers", data.ScopeMetrics[0].Metrics[0].Name)
	require.NoError(t, shutdown(t.Context()))
}

func TestSamplingFollowsTheBeginnerOfATrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	providers, shutdown := telemetry.NewProviders(telemetry.Config{SpanProcessors: []sdktrace.SpanProcessor{spans}})
	defer func() { _ = shutdown(context.WithoutCancel(t.Context())) }()
	tracer := providers.Tracer.Tracer("test")
	_, span := tracer.Start(t.Context(), "not sampled")
	span.End()
	require.Empty(t, spans.Ended())

	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	_, span = tracer.Start(trace.ContextWithRemoteSpanContext(t.Context(), parent), "sampled elsewhere")
	span.End()
	require.Len(t, spans.Ended(), 1)
}
