package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const closeTimeout = 5 * time.Second

// Options are what can be set of a process's traces and metrics. OpenTelemetry's own variables say the rest:
// OTEL_EXPORTER_OTLP_…, OTEL_BSP_…, OTEL_SPAN_…_LIMIT and OTEL_RESOURCE_ATTRIBUTES.
type Options struct {
	TraceRatio     float64 `default:"0.1" help:"Share of clicks that are traced, 0 to 1, once --otlp-endpoint says where traces go." placeholder:"RATIO"`
	OTLPEndpoint   string  `name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"OpenTelemetry collector that takes traces by HTTP, such as http://127.0.0.1:4318; by default none." placeholder:"URL"`
	TracesEndpoint string  `name:"otlp-traces-endpoint" env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" hidden:""`
	TracesExporter string  `name:"otel-traces-exporter" env:"OTEL_TRACES_EXPORTER" hidden:""`
	SDKDisabled    bool    `name:"otel-sdk-disabled" env:"OTEL_SDK_DISABLED" hidden:""`
}

// tracesURL is where traces go; empty: nowhere.
func (o Options) tracesURL() string {
	switch {
	case o.SDKDisabled, o.TracesExporter == "none":
		return ""
	case o.TracesEndpoint != "":
		return o.TracesEndpoint
	case o.OTLPEndpoint != "":
		return strings.TrimSuffix(o.OTLPEndpoint, "/") + "/v1/traces"
	}
	return ""
}

// Telemetry is what a process tells of itself while it is open.
type Telemetry struct {
	Providers
	// Handler serves the metrics to Prometheus; nil without metrics.
	Handler  http.Handler
	log      *slog.Logger
	shutdown func(context.Context) error
}

// Open starts exporting traces if the environment says where to, and collecting metrics if somebody will ask for them.
func Open(ctx context.Context, log *slog.Logger, service, version string, options Options, metrics bool) (*Telemetry, error) {
	if !(options.TraceRatio >= 0 && options.TraceRatio <= 1) {
		return nil, fmt.Errorf("--trace-ratio=%v is no share: write a number from 0, no traces, to 1, all", options.TraceRatio)
	}
	cfg := Config{Service: service, Version: version, SampleRatio: options.TraceRatio}
	if target := options.tracesURL(); target != "" {
		if u, err := url.Parse(target); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, fmt.Errorf("--otlp-endpoint=%s is no address: write one such as http://127.0.0.1:4318", options.OTLPEndpoint)
		}
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // the exporter knows no other way to complain
			log.WarnContext(ctx, "telemetry", slog.Any("error", err))
		}))
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(target))
		if err != nil {
			return nil, fmt.Errorf("exporting traces: %w", err)
		}
		cfg.SpanProcessors = append(cfg.SpanProcessors, sdktrace.NewBatchSpanProcessor(exporter))
	}
	t := &Telemetry{log: log}
	if metrics {
		reader, handler, err := prometheusReader()
		if err != nil {
			return nil, err
		}
		cfg.MetricReaders = append(cfg.MetricReaders, reader)
		t.Handler = handler
	}
	t.Providers, t.shutdown = NewProviders(cfg)
	if metrics {
		if err := runtime.Start(runtime.WithMeterProvider(t.Meter())); err != nil {
			return nil, fmt.Errorf("metrics of the Go runtime: %w", err)
		}
	}
	return t, nil
}

// Close writes out what is still held, if that takes no longer than five seconds.
func (t *Telemetry) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := t.shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last traces are lost", slog.Any("error", err))
	}
}

// about describes a service. What OTEL_RESOURCE_ATTRIBUTES says of the process stands beside it.
func about(service, version string) *resource.Resource {
	own := resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
	merged, err := resource.Merge(resource.Environment(), own)
	if err != nil {
		return own
	}
	return merged
}

// views measure times in steps that fit a shop.
func views() []sdkmetric.View {
	return []sdkmetric.View{sdkmetric.NewView(sdkmetric.Instrument{Name: "rpc.*.duration"}, sdkmetric.Stream{
		Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 15000}, NoMinMax: true,
		},
	})}
}
