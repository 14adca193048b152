package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Sources read how far a service's consumers and workers are behind, and what they gave up on.
func Sources(js jetstream.JetStream, consumers []Consumer, workers []Worker) []telemetry.Source {
	streams := make(map[string]string, len(consumers)+len(workers)) // by durable
	for _, c := range consumers {
		streams[c.Name] = c.Stream
	}
	for _, w := range workers {
		streams[w.Name] = w.Stream
	}
	if len(streams) == 0 {
		return nil
	}
	return []telemetry.Source{lag(js, streams), deadLetters(js, streams)}
}

func lag(js jetstream.JetStream, streams map[string]string) telemetry.Source {
	const pending, unanswered = "taproom.consumer.pending", "taproom.consumer.ack_pending"
	const redelivered, delivered = "taproom.consumer.redelivered", "taproom.consumer.deliveries"
	return telemetry.Source{
		Name: "consumers", Every: 5 * time.Second,
		Metrics: []telemetry.Metric{
			{Name: pending, Unit: "{message}", Description: "Messages that wait to be handed out."},
			{Name: unanswered, Unit: "{message}", Description: "Messages handed out and not yet answered, delayed ones included."},
			{Name: redelivered, Unit: "{message}", Description: "Messages among those that were handed out more than once."},
			{Name: delivered, Unit: "{message}", Description: "Messages handed out since the consumer was made.", Counter: true},
		},
		Read: func(ctx context.Context, tell telemetry.Tell) error {
			for name, own := range streams {
				for _, stream := range []string{own, StreamReplay} {
					consumer, err := js.Consumer(ctx, stream, name)
					if errors.Is(err, jetstream.ErrConsumerNotFound) {
						continue // it never ran
					}
					if err != nil {
						return fmt.Errorf("consumer %s on %s: %w", name, stream, err)
					}
					info := consumer.CachedInfo()
					labels := []attribute.KeyValue{attribute.String("consumer", name), attribute.String("stream", stream)}
					tell(pending, float64(info.NumPending), labels...)
					tell(unanswered, float64(info.NumAckPending), labels...)
					tell(redelivered, float64(info.NumRedelivered), labels...)
					tell(delivered, float64(info.Delivered.Consumer), labels...)
				}
			}
			return nil
		},
	}
}

func deadLetters(js jetstream.JetStream, streams map[string]string) telemetry.Source {
	const letters = "taproom.dead_letters"
	return telemetry.Source{
		Name: "dead letters", Every: 15 * time.Second,
		Metrics: []telemetry.Metric{{Name: letters, Unit: "{message}", Description: "Messages that a consumer gave up on and that nobody has replayed or discarded."}},
		Read: func(ctx context.Context, tell telemetry.Tell) error {
			stream, err := js.Stream(ctx, StreamDLQ)
			if err != nil {
				return err
			}
			info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subjectDLQ+">"))
			if err != nil {
				return err
			}
			for name := range streams {
				tell(letters, float64(info.State.Subjects[subjectDLQ+name]), attribute.String("consumer", name))
			}
			return nil
		},
	}
}
