package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"
)

const (
	// readTimeout bounds one reading of a source.
	readTimeout = 30 * time.Second
	// restFactor is how many times as long as a reading took a source rests at least: a database that grew pays no more
	// than a twentieth of its time for being measured.
	restFactor = 20
)

// Metric is a number that a Source reads.
type Metric struct {
	Name        string // OpenTelemetry's spelling, such as `taproom.outbox.pending`
	Unit        string // UCUM, such as `s` or `{event}`
	Description string
	Counter     bool // it only grows while the process lives
}

// Tell gives the value of one of a source's metrics. Each set of labels is a series: their values must be few.
type Tell func(metric string, value float64, labels ...attribute.KeyValue)

// Source reads metrics that are not counted as things happen but asked for, such as the length of a queue.
type Source struct {
	Name    string        // for the log
	Every   time.Duration // between readings
	Metrics []Metric
	// Read tells the present values. What it does not tell, or when it fails, is left out until the next reading.
	Read func(ctx context.Context, tell Tell) error
}

// Watch reads the sources of a service, each at its own pace, and reports what was last read until ctx ends. A scrape never
// waits for a database or a broker. Each series has the label `service`.
func Watch(ctx context.Context, log *slog.Logger, providers Providers, service string, sources ...Source) error {
	meter := providers.Meter().Meter("github.com/taproom-shop/taproom/services")
	group, ctx := errgroup.WithContext(ctx)
	for _, source := range sources {
		w := &watched{source: source, log: log, service: attribute.String("service", service)}
		stop, err := w.register(meter)
		if err != nil {
			return err
		}
		group.Go(func() error {
			w.run(ctx)
			return stop()
		})
	}
	return group.Wait()
}

// watched is a source and what was last read of it.
type watched struct {
	source  Source
	log     *slog.Logger
	service attribute.KeyValue
	last    atomic.Pointer[[]reading]
	failing bool
}

type reading struct {
	metric string
	value  float64
	labels attribute.Set
}

func (w *watched) register(meter metric.Meter) (stop func() error, err error) {
	instruments := make(map[string]metric.Float64Observable, len(w.source.Metrics))
	all := make([]metric.Observable, 0, len(w.source.Metrics))
	for _, m := range w.source.Metrics {
		var instrument metric.Float64Observable
		if m.Counter {
			instrument, err = meter.Float64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
		} else {
			instrument, err = meter.Float64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
		}
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.Name, err)
		}
		instruments[m.Name] = instrument
		all = append(all, instrument)
	}
	registration, err := meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		if last := w.last.Load(); last != nil {
			for _, r := range *last {
				observer.ObserveFloat64(instruments[r.metric], r.value, metric.WithAttributeSet(r.labels))
			}
		}
		return nil
	}, all...)
	if err != nil {
		return nil, fmt.Errorf("metrics of %s: %w", w.source.Name, err)
	}
	return registration.Unregister, nil
}

func (w *watched) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		w.read(ctx)
		rest := max(w.source.Every, restFactor*time.Since(began))
		timer.Reset(rest - rest/10 + rand.N(rest/5+1)) //nolint:gosec // no secret: replicas shall not all ask at once
	}
}

// read replaces what was last read. The log hears of the first of several failures, and of their end.
func (w *watched) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var readings []reading
	err := w.source.Read(ctx, func(metric string, value float64, labels ...attribute.KeyValue) {
		readings = append(readings, reading{metric, value, attribute.NewSet(append(labels, w.service)...)})
	})
	if err != nil {
		readings = nil
	}
	w.last.Store(&readings)
	switch {
	case err != nil && !w.failing && ctx.Err() == nil:
		w.log.WarnContext(ctx, "metrics can't be read", slog.String("metrics", w.source.Name), slog.Any("error", err))
	case err == nil && w.failing:
		w.log.InfoContext(ctx, "metrics can be read again", slog.String("metrics", w.source.Name))
	}
	w.failing = err != nil
}
