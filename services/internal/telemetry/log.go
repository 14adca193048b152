// Package telemetry sets up what a process tells about itself: logs, traces and metrics.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Format is how log lines are written.
type Format string

// The formats of log lines.
const (
	FormatText Format = "text"
	FormatJSON Format = "json"
)

// serviceKey is the attribute that names the service a line is from.
const serviceKey = "service"

// NewLogger returns a logger that writes to w. Each line names its service, which a logger is given by
// log.With(slog.String("service", name)); those of none are from `taproom`. Lines logged with a context carry `trace_id` and
// `span_id`, so that the lines of one click can be found among those of all services.
func NewLogger(w io.Writer, format Format, levels Levels) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: levels.least()}
	h := handler{levels: levels, service: "taproom", level: levels.all}
	switch format {
	case FormatText:
		h.Handler = slog.NewTextHandler(w, options)
	case FormatJSON:
		h.Handler = slog.NewJSONHandler(w, options)
	default:
		return nil, fmt.Errorf("log format %q: use %q or %q", format, FormatText, FormatJSON)
	}
	return slog.New(h), nil
}

// handler adds the service and the ids of the context's span to each record, and leaves out what is below the service's
// level.
type handler struct {
	slog.Handler
	levels  Levels
	service string
	level   slog.Level // of the service
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, record slog.Record) error {
	record = record.Clone()
	record.AddAttrs(slog.String(serviceKey, h.service))
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	rest := make([]slog.Attr, 0, len(attrs))
	for _, attr := range attrs {
		if attr.Key == serviceKey && attr.Value.Kind() == slog.KindString {
			h.service = attr.Value.String()
			h.level = h.levels.Of(h.service)
			continue
		}
		rest = append(rest, attr)
	}
	h.Handler = h.Handler.WithAttrs(rest)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
