package messaging

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

// Publish stores one event in its stream, as the relay does with what is in an outbox, for services that have none. It
// returns once the broker has it. The id must derive from what the event is about (see [event.DeriveID]): whoever makes
// the event again after a failure stores it under the same id, and consumers take it once.
func Publish(ctx context.Context, js jetstream.JetStream, service, id string, msg proto.Message) error {
	subject, err := event.Subject(msg)
	if err != nil {
		return err
	}
	payload, err := proto.Marshal(msg)
	if err != nil {
		return fmt.Errorf("event %s: %w", event.Type(msg), err)
	}
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	envelope := Envelope(service, journal.Record{
		ID: id, Subject: subject, Aggregate: event.Aggregate(subject), Type: event.Type(msg), Payload: payload, Headers: headers, CreatedAt: time.Now(),
	})
	if _, err := js.PublishMsg(ctx, envelope); err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}
