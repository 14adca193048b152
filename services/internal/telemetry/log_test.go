package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

func levels(t *testing.T, text string) (levels telemetry.Levels) {
	t.Helper()
	require.NoError(t, levels.UnmarshalText([]byte(text)))
	return levels
}

func TestLogLinesCarryTheTrace(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.FormatJSON, telemetry.Levels{})
	require.NoError(t, err)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), span)

	log.With(slog.String("service", "cart")).InfoContext(ctx, "added")
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "cart", line["service"])
	require.Equal(t, span.TraceID().String(), line["trace_id"])
	require.Equal(t, span.SpanID().String(), line["span_id"])

	out.Reset()
	log.Info("no trace")
	require.NotContains(t, out.String(), "trace_id")
	require.Contains(t, out.String(), `"service":"taproom"`)
	log.Debug("too fine")
	require.NotContains(t, out.String(), "too fine")
}

func TestLogFormats(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.FormatText, telemetry.Levels{})
	require.NoError(t, err)
	log.Info("hello", slog.String("beer", "stout"))
	require.Contains(t, out.String(), "msg=hello beer=stout")
	_, err = telemetry.NewLogger(&out, "xml", telemetry.Levels{})
	require.ErrorContains(t, err, `"xml"`)
}

func TestEachServiceHasItsLogLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, telemetry.FormatText, levels(t, "WARN,order=debug,edge=error"))
	require.NoError(t, err)
	for service, least := range map[string]slog.Level{"order": slog.LevelDebug, "edge": slog.LevelError, "cart": slog.LevelWarn} {
		log := log.With(slog.String("service", service)).With(slog.String("consumer", "c")).WithGroup("g")
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			out.Reset()
			require.Equal(t, level >= least, log.Enabled(t.Context(), level))
			log.Log(t.Context(), level, "said")
			require.Equal(t, level >= least, out.Len() > 0, "%s at %s", service, level)
		}
	}
	require.False(t, log.Enabled(t.Context(), slog.LevelInfo))
}

func TestWrongLogLevelsAreRefusedWithAdvice(t *testing.T) {
	for text, advice := range map[string]string{
		"":                       "write debug, info, warn or error",
		"loud":                   "write debug, info, warn or error",
		"info+4":                 "write debug, info, warn or error",
		"info,order":             "such as info,order=debug,edge=warn",
		"order=":                 "write debug, info, warn or error",
		"=debug":                 "names no service",
		"info,warn":              "twice",
		"order=info,order=debug": "twice",
	} {
		var l telemetry.Levels
		require.ErrorContains(t, l.UnmarshalText([]byte(text)), advice, "%q", text)
	}
	l := levels(t, "order=debug,info,edge=warn")
	require.Equal(t, slog.LevelInfo, l.Level())
	text, err := l.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "info,edge=warn,order=debug", string(text))
	require.NoError(t, l.Check("order", "edge", "cart"))
	require.ErrorContains(t, l.Check("order", "cart"), `"edge": there is no such service; write one of order, cart`)
}
