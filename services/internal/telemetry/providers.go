package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says what is recorded and where it goes. The zero value keeps trace ids flowing and exports nothing.
type Config struct {
	// Service and Version name the process in traces and metrics.
	Service, Version string
	// SampleRatio is the share of new traces that are recorded, 0 to 1. A trace that somebody else began follows the
	// beginner's choice.
	SampleRatio float64
	// SpanProcessors take finished spans, for instance to an exporter.
	SpanProcessors []sdktrace.SpanProcessor
	// MetricReaders collect metrics.
	MetricReaders []sdkmetric.Reader
}

// Providers make tracers and meters. They are handed to those who need them; nothing global is set.
type Providers struct {
	Tracer     trace.TracerProvider
	Meter      metric.MeterProvider
	Propagator propagation.TextMapPropagator
}

// NewProviders returns the providers and a function that writes out what is still held, to be called at the end.
func NewProviders(cfg Config) (Providers, func(context.Context) error) {
	about := resource.NewSchemaless(
		attribute.String("service.name", cfg.Service),
		attribute.String("service.version", cfg.Version),
	)
	traceOptions := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(cfg.SampleRatio))),
	}
	for _, processor := range cfg.SpanProcessors {
		traceOptions = append(traceOptions, sdktrace.WithSpanProcessor(processor))
	}
	metricOptions := []sdkmetric.Option{sdkmetric.WithResource(about)}
	for _, reader := range cfg.MetricReaders {
		metricOptions = append(metricOptions, sdkmetric.WithReader(reader))
	}
	tracer := sdktrace.NewTracerProvider(traceOptions...)
	meter := sdkmetric.NewMeterProvider(metricOptions...)
	shutdown := func(ctx context.Context) error {
		return errors.Join(tracer.Shutdown(ctx), meter.Shutdown(ctx))
	}
	return Providers{Tracer: tracer, Meter: meter, Propagator: propagation.TraceContext{}}, shutdown
}
