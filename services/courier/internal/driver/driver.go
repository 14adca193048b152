// Package driver is the simulated courier: it takes a parcel over, drives, and delivers it or brings it back.
package driver

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// express is the shipping method whose couriers hurry.
const express = "express"

// Driver delivers packages. It remembers nothing: the ids of its events derive from package and step, so that another
// driver who begins a delivery anew tells nothing twice.
type Driver struct {
	shipping shippingv1connect.ShippingCourierServiceClient
	js       jetstream.JetStream
	stepTime time.Duration
	clock    func() time.Time
}

// New returns a driver who takes stepTime for each step of the way.
func New(shipping shippingv1connect.ShippingCourierServiceClient, js jetstream.JetStream, stepTime time.Duration, clock func() time.Time) *Driver {
	return &Driver{shipping: shipping, js: js, stepTime: stepTime, clock: clock}
}

// Deliver takes a package from the warehouse to the customer, or back when it is recalled on the way. It returns nil
// when there is nothing left to do for the package.
func (d *Driver) Deliver(ctx context.Context, ev messaging.Event) error {
	parcel, ok := ev.Message.(*eventv1.PackageReady)
	if !ok {
		return messaging.Permanent(fmt.Errorf("%s is no package", ev.Type))
	}
	state, err := d.ask(ctx, parcel)
	if err != nil {
		return err
	}
	if state == shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER {
		if state, err = d.driveOut(ctx, parcel); err != nil {
			return err
		}
	}
	switch state { //nolint:exhaustive // otherwise there is nothing left to do
	case shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER:
		return d.tell(ctx, parcel, "delivered", &eventv1.CourierDelivered{
			PackageId: parcel.GetPackageId(), OrderId: parcel.GetOrderId(), DeliveredAt: timestamppb.New(d.clock()),
		})
	case shippingv1.ShipmentState_SHIPMENT_STATE_RETURNING:
		return d.driveBack(ctx, parcel)
	default:
		return nil // it was stopped, others bring it, or it is where it belongs
	}
}

// ask asks shipping whether the parcel is, or still is, the courier's to deliver, and returns where the shipment stands:
// nowhere, when there is nothing for him to do.
func (d *Driver) ask(ctx context.Context, parcel *eventv1.PackageReady) (shippingv1.ShipmentState, error) {
	res, err := d.shipping.HandOver(ctx, &shippingv1.HandOverRequest{PackageId: parcel.GetPackageId()})
	switch {
	case err == nil && !res.GetAccepted():
		return shippingv1.ShipmentState_SHIPMENT_STATE_UNSPECIFIED, nil
	case err == nil:
		return res.GetState(), nil
	case fault.KindOf(err) == fault.KindNotFound:
		return 0, messaging.Permanent(err)
	default:
		return 0, err
	}
}

// driveOut drives to the customer's door, where the courier asks once more whether the parcel was recalled.
func (d *Driver) driveOut(ctx context.Context, parcel *eventv1.PackageReady) (shippingv1.ShipmentState, error) {
	if err := d.drive(ctx, parcel, out()); err != nil {
		return 0, err
	}
	if err := d.takeStep(ctx, parcel); err != nil {
		return 0, err
	}
	return d.ask(ctx, parcel)
}

func (d *Driver) driveBack(ctx context.Context, parcel *eventv1.PackageReady) error {
	if err := d.drive(ctx, parcel, back()); err != nil {
		return err
	}
	if err := d.takeStep(ctx, parcel); err != nil {
		return err
	}
	return d.tell(ctx, parcel, "returned", &eventv1.CourierReturned{PackageId: parcel.GetPackageId(), OrderId: parcel.GetOrderId()})
}

func (d *Driver) drive(ctx context.Context, parcel *eventv1.PackageReady, legs []leg) error {
	for _, leg := range legs {
		if err := d.takeStep(ctx, parcel); err != nil {
			return err
		}
		err := d.tell(ctx, parcel, strconv.Itoa(int(leg.step)), &eventv1.CourierMoved{
			PackageId: parcel.GetPackageId(), OrderId: parcel.GetOrderId(), Step: leg.step, ProgressPercent: leg.progress,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeStep lets the time for one step pass.
func (d *Driver) takeStep(ctx context.Context, parcel *eventv1.PackageReady) error {
	wait := d.stepTime
	if parcel.GetShippingMethodId() == express {
		wait /= 2
	}
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell publishes what happened at a step, under the one id that it can have.
func (d *Driver) tell(ctx context.Context, parcel *eventv1.PackageReady, step string, msg proto.Message) error {
	return messaging.Publish(ctx, d.js, "courier", event.DeriveID("courier", parcel.GetPackageId(), step), msg)
}
