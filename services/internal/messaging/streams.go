package messaging

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams' names.
const (
	StreamOrders    = "ORDERS"
	StreamPayments  = "PAYMENTS"
	StreamInventory = "INVENTORY"
	StreamShipments = "SHIPMENTS"
	StreamPackages  = "PACKAGES"
	StreamCourier   = "COURIER"
	StreamUsers     = "USERS"
	StreamCatalog   = "CATALOG"
	StreamCarts     = "CARTS"
	StreamDLQ       = "DLQ"    // what consumers gave up on
	StreamReplay    = "REPLAY" // what goes to one consumer alone, once more
)

// duplicateWindow is how long a stream remembers message ids. It spares work; the inbox is the guarantee.
const duplicateWindow = 2 * time.Minute

// Streams returns the declaration of every stream. A stream without an age keeps its messages for good, because a
// projection can be rebuilt from it.
func Streams() []jetstream.StreamConfig {
	streams := []jetstream.StreamConfig{
		{Name: StreamOrders, Subjects: []string{"taproom.order.>"}},
		{Name: StreamPayments, Subjects: []string{"taproom.payment.>"}},
		{Name: StreamInventory, Subjects: []string{"taproom.inventory.>"}},
		{Name: StreamShipments, Subjects: []string{"taproom.shipment.>"}},
		{Name: StreamPackages, Subjects: []string{"taproom.package.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: StreamCourier, Subjects: []string{"taproom.courier.>"}, MaxAge: 7 * 24 * time.Hour},
		{Name: StreamUsers, Subjects: []string{"taproom.user.>"}},
		{Name: StreamCatalog, Subjects: []string{"taproom.catalog.>"}},
		{Name: StreamCarts, Subjects: []string{"taproom.cart.*"}, AllowRollup: true},
		{Name: StreamDLQ, Subjects: []string{"taproom.dlq.>"}},
		{Name: StreamReplay, Subjects: []string{"taproom.dlq-replay.>"}, Retention: jetstream.WorkQueuePolicy},
	}
	for i := range streams {
		s := &streams[i]
		s.Storage = jetstream.FileStorage
		s.Duplicates = duplicateWindow
		s.AllowDirect = true
		s.AllowAtomicPublish = true
		s.MaxMsgs, s.MaxBytes, s.MaxMsgsPerSubject, s.MaxConsumers = -1, -1, -1, -1
	}
	return streams
}

// Reconcile makes the streams that are missing and brings the others to their declaration. It never loses a message: a
// change that could, such as another retention, other storage or a subject given up, is refused. What an operator has
// set and the declaration does not speak of, such as placement, stays. Zero replicas mean one.
func Reconcile(ctx context.Context, js jetstream.JetStream, replicas int) error {
	for _, want := range Streams() {
		want.Replicas = max(replicas, 1)
		if err := reconcile(ctx, js, want); err != nil {
			return fmt.Errorf("stream %s: %w", want.Name, err)
		}
	}
	return nil
}

func reconcile(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, want)
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return err
		}
		stream, err = js.Stream(ctx, want.Name) // another service was faster
	}
	if err != nil {
		return err
	}
	have := stream.CachedInfo().Config
	if err := refuseLoss(have, want); err != nil {
		return err
	}
	next := have
	next.Subjects = want.Subjects
	next.MaxAge = want.MaxAge
	next.Duplicates = want.Duplicates
	next.Replicas = want.Replicas
	next.AllowRollup = want.AllowRollup
	next.AllowDirect = want.AllowDirect
	next.AllowAtomicPublish = want.AllowAtomicPublish
	if reflect.DeepEqual(have, next) {
		return nil
	}
	_, err = js.UpdateStream(ctx, next)
	return err
}

func refuseLoss(have, want jetstream.StreamConfig) error {
	if have.Retention != want.Retention {
		return fmt.Errorf("its retention is %v and should be %v: make a new stream and copy what this one holds", have.Retention, want.Retention)
	}
	if have.Storage != want.Storage {
		return fmt.Errorf("its storage is %v and should be %v: make a new stream and copy what this one holds", have.Storage, want.Storage)
	}
	for _, subject := range have.Subjects {
		if !slices.Contains(want.Subjects, subject) {
			return fmt.Errorf("it keeps subject %q, which is no longer declared: remove the subject by hand once nothing publishes to it", subject)
		}
	}
	if want.MaxAge > 0 && (have.MaxAge == 0 || have.MaxAge > want.MaxAge) {
		return fmt.Errorf("it keeps messages for %v (0s: for good) and should for %v only: lower max_age by hand if they may go", have.MaxAge, want.MaxAge)
	}
	return nil
}
