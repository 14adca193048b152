package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
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

// Providers make tracers and meters. They are handed to those who need them; nothing global is set. The zero value records
// nothing and passes on the trace that a call or a message came with.
type Providers struct {
	cfg    Config
	tracer trace.TracerProvider
	meter  metric.MeterProvider
	gate   gate
}

// NewProviders returns the providers and a function that writes out what is still held, to be called at the end.
func NewProviders(cfg Config) (Providers, func(context.Context) error) {
	p := Providers{cfg: cfg, gate: newGate(cfg.SampleRatio)}
	var shutdowns []func(context.Context) error
	if len(cfg.SpanProcessors) > 0 {
		p = p.Of(cfg.Service)
		for _, processor := range cfg.SpanProcessors {
			shutdowns = append(shutdowns, processor.Shutdown)
		}
	}
	if len(cfg.MetricReaders) > 0 {
		options := []sdkmetric.Option{sdkmetric.WithResource(about(cfg.Service, cfg.Version)), sdkmetric.WithView(views()...)}
		for _, reader := range cfg.MetricReaders {
			options = append(options, sdkmetric.WithReader(reader))
		}
		meter := sdkmetric.NewMeterProvider(options...)
		p.meter = meter
		shutdowns = append(shutdowns, meter.Shutdown)
	}
	return p, func(ctx context.Context) error {
		var errs []error
		for _, shutdown := range shutdowns {
			errs = append(errs, shutdown(ctx))
		}
		return errors.Join(errs...)
	}
}

// Of returns the providers of one of the services in this process: its spans bear its name. Where they go stays the same.
func (p Providers) Of(service string) Providers {
	if len(p.cfg.SpanProcessors) == 0 {
		return p
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(about(service, p.cfg.Version)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(p.cfg.SampleRatio))),
	}
	for _, processor := range p.cfg.SpanProcessors {
		options = append(options, sdktrace.WithSpanProcessor(processor))
	}
	p.tracer = quietProvider{TracerProvider: sdktrace.NewTracerProvider(options...)}
	return p
}

// Tracer makes the spans of traces that are sampled. For any other trace it only passes the ids on, which costs next to
// nothing.
func (p Providers) Tracer() trace.TracerProvider {
	if p.tracer == nil {
		return nooptrace.NewTracerProvider()
	}
	return p.tracer
}

// Traces reports whether spans go anywhere.
func (p Providers) Traces() bool { return p.tracer != nil }

// Meter makes the instruments that count and measure.
func (p Providers) Meter() metric.MeterProvider {
	if p.meter == nil {
		return noopmetric.NewMeterProvider()
	}
	return p.meter
}

// Metrics reports whether anybody collects metrics.
func (p Providers) Metrics() bool { return p.meter != nil }
