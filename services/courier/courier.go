// Package courier drives parcels to customers. It has no public API and no database: packages come from a work queue, and
// what happens on the way is told by events.
package courier

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/courier/internal/driver"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
)

// Config is what can be set of the courier.
type Config struct {
	Simulate    bool          `help:"Drive with simulated couriers even without --demo. Else packages wait in their queue for real ones."`
	StepTime    time.Duration `default:"2s" help:"How long a simulated courier takes for a step of the way, express half of it; 0s: none."`
	Concurrency int           `default:"64" help:"How many parcels this replica has on the road at once."`
}

// New returns the courier. Its drivers are simulated: without Kit.Demo or Config.Simulate it has none.
func New(cfg Config, kit module.Kit) (*module.Module, error) {
	switch {
	case cfg.StepTime < 0:
		return nil, errors.New("step-time must not be negative; 0s drives in no time")
	case cfg.Concurrency < 1:
		return nil, errors.New("concurrency must be 1 or more; 64 is recommended")
	}
	m := &module.Module{Name: "courier"}
	if !kit.Demo && !cfg.Simulate {
		return m, nil
	}
	shipping := shippingv1connect.NewShippingCourierServiceClient(kit.Peers.Client("shipping"), kit.Peers.URL("shipping"), kit.Peers.Options()...)
	m.Workers = []messaging.Worker{{
		Name:        "courier-packages",
		Stream:      messaging.StreamPackages,
		Events:      []proto.Message{(*eventv1.PackageReady)(nil)},
		Handle:      driver.New(shipping, kit.JetStream, cfg.StepTime, kit.Clock).Deliver,
		Concurrency: cfg.Concurrency,
		Unlimited:   true, // nobody else brings the parcel
	}}
	return m, nil
}
