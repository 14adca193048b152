package messaging

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// owners are the services that publish to each stream, and so look after it. Streams that every service uses have none.
var owners = map[string]string{
	StreamOrders:    "order",
	StreamPayments:  "payment",
	StreamInventory: "inventory",
	StreamShipments: "shipping",
	StreamPackages:  "shipping",
	StreamCourier:   "courier",
	StreamUsers:     "user",
	StreamCatalog:   "catalog",
	StreamCarts:     "cart",
}

// ReconcileOwn does what Reconcile does for the streams that the service looks after, and for those that all share.
func ReconcileOwn(ctx context.Context, js jetstream.JetStream, service string, replicas int) error {
	for _, want := range Streams() {
		if owner := owners[want.Name]; owner != "" && owner != service {
			continue
		}
		want.Replicas = max(replicas, 1)
		if err := reconcile(ctx, js, want); err != nil {
			return fmt.Errorf("stream %s: %w", want.Name, err)
		}
	}
	return nil
}

// OwnerOf names the service that looks after a stream; empty for those that all share.
func OwnerOf(stream string) string { return owners[stream] }
