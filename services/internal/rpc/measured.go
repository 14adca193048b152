package rpc

import (
	"context"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// measured measures how long calls take, on either side, and counts the streams that are open. A series is a method and the
// code of its answers; what there is to say of one is put together once.
type measured struct {
	server, client metric.Float64Histogram
	streams        metric.Int64UpDownCounter
	labels         *sync.Map // series → metric.MeasurementOption
}

// series is what calls are told apart by.
type series struct{ procedure, protocol, code string }

func newMeasured(provider metric.MeterProvider) (m measured, err error) {
	meter := provider.Meter("github.com/taproom-shop/taproom/services/internal/rpc")
	m.labels = new(sync.Map)
	if m.server, err = meter.Float64Histogram("rpc.server.duration", metric.WithUnit("ms"), metric.WithDescription("How long calls take to answer.")); err != nil {
		return m, err
	}
	if m.client, err = meter.Float64Histogram("rpc.client.duration", metric.WithUnit("ms"), metric.WithDescription("How long calls of other services take, as the caller sees it.")); err != nil {
		return m, err
	}
	m.streams, err = meter.Int64UpDownCounter("taproom.streams.open", metric.WithUnit("{stream}"), metric.WithDescription("Streams that clients keep open."))
	return m, err
}

// WrapUnary implements connect.Interceptor.
func (m measured) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		began := time.Now()
		answer, err := next(ctx, req)
		duration := m.server
		if req.Spec().IsClient {
			duration = m.client
		}
		duration.Record(ctx, milliseconds(began), m.of(req.Spec(), req.Peer(), codeOf(err)))
		return answer, err
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (m measured) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		began, open := time.Now(), m.of(conn.Spec(), conn.Peer(), "")
		m.streams.Add(ctx, 1, open)
		err := next(ctx, conn)
		m.streams.Add(ctx, -1, open)
		m.server.Record(ctx, milliseconds(began), m.of(conn.Spec(), conn.Peer(), codeOf(err)))
		return err
	}
}

// WrapStreamingClient implements connect.Interceptor. No service keeps a stream to another.
func (m measured) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// of returns the labels of a series; an empty code is left out.
func (m measured) of(spec connect.Spec, peer connect.Peer, code string) metric.MeasurementOption {
	key := series{spec.Procedure, peer.Protocol, code}
	known, _ := m.labels.Load(key)
	if labels, ok := known.(metric.MeasurementOption); ok {
		return labels
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(spec.Procedure, "/"), "/")
	labels := []attribute.KeyValue{
		attribute.String("rpc.system", peer.Protocol), attribute.String("rpc.service", service), attribute.String("rpc.method", method),
	}
	if code != "" {
		labels = append(labels, attribute.String("rpc.response.status_code", code))
	}
	option := metric.WithAttributeSet(attribute.NewSet(labels...))
	m.labels.Store(key, option)
	return option
}

func codeOf(err error) string {
	if err == nil || connect.IsNotModifiedError(err) {
		return "ok"
	}
	return connect.CodeOf(err).String()
}

func milliseconds(began time.Time) float64 {
	return float64(time.Since(began)) / float64(time.Millisecond)
}
