package shipping_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/shipping"
)

func refused(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)))
}

// From the payment to the doorstep over a real broker, watched by two customers' streams on another replica than the one
// that does the work, while a stranger sees nothing.
func TestAnOrderComesToTheDoorstep(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		b := newBroker(t)
		worker, other := newReplica(t, db, b, true), newReplica(t, db, b, false)
		user, order := newID(), newID()
		takeOver := make(chan struct{}) // the courier starts when the streams are open
		worker.start(func(ctx context.Context) error {
			return messaging.Runner{JetStream: b.js, Log: quiet}.Work(ctx, drives(b, worker.courier(), takeOver))
		})
		worker.run()
		require.NoError(t, messaging.Publish(t.Context(), b.js, "order", newID(), &eventv1.OrderPaid{OrderId: order, UserId: user, Version: 4, ShippingMethodId: "express"}))
		require.Eventually(t, func() bool {
			_, err := other.customer(user).GetShipment(t.Context(), &shippingv1.GetShipmentRequest{OrderId: order})
			return err == nil
		}, patience, tick)
		_, err := other.customer(newID()).GetShipment(t.Context(), &shippingv1.GetShipmentRequest{OrderId: order})
		refused(t, err, connect.CodeNotFound, "SHIPMENT_NOT_FOUND")
		stranger, err := other.customer(newID()).TrackShipment(t.Context(), &shippingv1.TrackShipmentRequest{OrderId: order})
		require.NoError(t, err)
		require.False(t, stranger.Receive())
		refused(t, stranger.Err(), connect.CodeNotFound, "SHIPMENT_NOT_FOUND")

		var open, watching sync.WaitGroup
		for range 2 {
			open.Add(1)
			watching.Go(func() {
				opened := sync.OnceFunc(open.Done)
				defer opened()
				stream, err := other.customer(user).TrackShipment(t.Context(), &shippingv1.TrackShipmentRequest{OrderId: order})
				require.NoError(t, err)
				require.True(t, stream.Receive())
				first := stream.Msg().GetShipment()
				require.NotNil(t, first)
				opened()
				states, version := []shippingv1.ShipmentState{first.GetState()}, first.GetVersion()
				for stream.Receive() {
					s := stream.Msg().GetShipment()
					require.Greater(t, s.GetVersion(), version)
					states, version = append(states, s.GetState()), s.GetVersion()
				}
				require.NoError(t, stream.Err(), "it ends by itself")
				require.True(t, slices.IsSorted(states))
				require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED, states[len(states)-1])
			})
		}
		open.Wait()
		close(takeOver)
		watching.Wait()
		require.Equal(t, []string{"created", "assembly_started", "assembled", "handed_over", "delivered"}, worker.told(order))
		require.EqualValues(t, 100, other.shipment(user, order).GetProgressPercent())
	})
}

// drives is a courier's worker.
func drives(b broker, shipping shippingv1connect.ShippingCourierServiceClient, takeOver <-chan struct{}) messaging.Worker {
	return messaging.Worker{
		Name: "courier-packages", Stream: messaging.StreamPackages, Events: []proto.Message{(*eventv1.PackageReady)(nil)},
		Handle: func(ctx context.Context, ev messaging.Event) error {
			select {
			case <-takeOver:
			case <-ctx.Done():
				return ctx.Err()
			}
			p := ev.Message.(*eventv1.PackageReady)
			res, err := shipping.HandOver(ctx, &shippingv1.HandOverRequest{PackageId: p.GetPackageId()})
			if err != nil || !res.GetAccepted() {
				return err
			}
			for i, msg := range []proto.Message{
				&eventv1.CourierMoved{PackageId: p.GetPackageId(), OrderId: p.GetOrderId(), Step: 1, ProgressPercent: 50},
				&eventv1.CourierDelivered{PackageId: p.GetPackageId(), OrderId: p.GetOrderId(), DeliveredAt: timestamppb.Now()},
			} {
				if err := messaging.Publish(ctx, b.js, "courier", event.DeriveID(p.GetPackageId(), string(rune('0'+i))), msg); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// A hundred couriers' calls and a cancellation at once: one side wins, and everybody is told the same.
func TestHandOverAgainstCancellation(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		r := newReplica(t, db, newBroker(t), false)
		for round := range 6 {
			user, order := newID(), newID()
			made := r.assembled(user, order)
			answers := make(chan *shippingv1.HandOverResponse, 100)
			courier := r.courier()
			var racing sync.WaitGroup
			ready := make(chan struct{})
			for range cap(answers) {
				racing.Go(func() {
					<-ready
					res, err := courier.HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: made.GetId()})
					if err == nil {
						answers <- res
					}
				})
			}
			racing.Go(func() {
				<-ready
				for range round { // so that not always the same side wins
					r.shipment(user, order)
				}
				r.hear(&eventv1.OrderCancelRequested{OrderId: order, UserId: user, Version: 5, Reason: "CUSTOMER"})
			})
			close(ready)
			racing.Wait()
			close(answers)
			require.Len(t, answers, cap(answers), "nobody failed")
			state := r.shipment(user, order).GetState()
			for answer := range answers {
				require.Equal(t, state, answer.GetState())
				require.Equal(t, state == shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER, answer.GetAccepted())
			}
			won := []string{"stopped"}
			if state == shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER {
				won = []string{"handed_over", "stop_refused"}
			}
			require.Equal(t, won, r.told(order)[3:])
		}
	})
}

func TestARecalledParcelComesBack(t *testing.T) {
	r := newReplica(t, databasetest.SQLite(t, shipping.Migrations()...), newBroker(t), false)
	user, order := newID(), newID()
	parcel := r.assembled(user, order)
	handOver := func() *shippingv1.HandOverResponse {
		res, err := r.courier().HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: parcel.GetId()})
		require.NoError(t, err)
		require.True(t, res.GetAccepted())
		return res
	}
	handOver()
	r.hear(&eventv1.OrderCancelRequested{OrderId: order, UserId: user, Version: 7, Reason: "FRAUD", Recall: true})
	require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_RETURNING, handOver().GetState())
	r.hear(&eventv1.CourierReturned{PackageId: parcel.GetId(), OrderId: order})
	require.Equal(t, []string{"handed_over", "returned"}, r.told(order)[3:])
	_, err := r.courier().HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: newID()})
	refused(t, err, connect.CodeNotFound, "SHIPMENT_NOT_FOUND")
}

// to makes a request of staff.
func to(id string, state shippingv1.ShipmentState, carriage *shippingv1.Carriage) *shippingv1.AdvanceShipmentRequest {
	return &shippingv1.AdvanceShipmentRequest{RequestId: newID(), Id: id, To: state, Carriage: carriage}
}

var byPost = &shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_CARRIER, Carrier: "DHL", TrackingReference: "JD0146"}

// A shop without couriers: staff hand parcels over, and say how each way ended.
func TestStaffBringParcelsToTheirCustomers(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		r := newReplica(t, db, newBroker(t), false)
		staff := r.staff()
		step := func(req *shippingv1.AdvanceShipmentRequest) *shippingv1.Shipment {
			t.Helper()
			res, err := staff.AdvanceShipment(t.Context(), req)
			require.NoError(t, err)
			return res.GetShipment()
		}
		handedOver := func(carriage *shippingv1.Carriage) (user, order, id string) {
			user, order = newID(), newID()
			id = r.assembled(user, order).GetId()
			out := step(to(id, shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER, carriage))
			require.True(t, proto.Equal(carriage, out.GetCarriage()))
			return user, order, id
		}

		user, order, id := handedOver(byPost)
		require.Equal(t, "JD0146", r.shipment(user, order).GetCarriage().GetTrackingReference(), "customers see it, too")
		res, err := r.courier().HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: id})
		require.NoError(t, err)
		require.False(t, res.GetAccepted(), "it is not the courier's")
		require.EqualValues(t, 100, step(to(id, shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED, nil)).GetProgressPercent())
		_, err = staff.AdvanceShipment(t.Context(), to(id, shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED, nil))
		refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")
		require.Equal(t, []string{"handed_over", "delivered"}, r.told(order)[3:])

		_, order, id = handedOver(&shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_STAFF})
		step(to(id, shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED, nil))
		require.Equal(t, []string{"handed_over", "returned"}, r.told(order)[3:])

		user, order, id = handedOver(&shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_PICK_UP})
		r.hear(&eventv1.OrderCancelRequested{OrderId: order, UserId: user, Version: 5, Reason: "CUSTOMER"})
		r.hear(&eventv1.OrderCancelRequested{OrderId: order, UserId: user, Version: 7, Reason: "STAFF", Recall: true})
		require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_RETURNING, r.shipment(user, order).GetState())
		step(to(id, shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED, nil))
		require.Equal(t, []string{"handed_over", "stop_refused", "returned"}, r.told(order)[3:])

		_, _, id = handedOver(byPost)
		_, err = staff.AdvanceShipment(t.Context(), to(id, shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER, byPost))
		refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")

		rules, err := staff.CheckInvariants(t.Context(), &shippingv1.CheckInvariantsRequest{})
		require.NoError(t, err)
		for _, rule := range rules.GetInvariants() {
			require.NotEqual(t, typev1.InvariantStatus_INVARIANT_STATUS_BROKEN, rule.GetStatus(), "%v", rule)
		}
	})
}

func TestAHandOverSaysWhoBringsTheParcel(t *testing.T) {
	r := newReplica(t, databasetest.SQLite(t, shipping.Migrations()...), newBroker(t), false)
	id := r.assembled(newID(), newID()).GetId()
	const gone, delivered = shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER, shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED
	for name, wrong := range map[string]*shippingv1.AdvanceShipmentRequest{
		"nobody":            to(id, gone, nil),
		"nobody in words":   to(id, gone, &shippingv1.Carriage{}),
		"a courier":         to(id, gone, &shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_COURIER}),
		"a nameless one":    to(id, gone, &shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_CARRIER}),
		"staff with a name": to(id, gone, &shippingv1.Carriage{CarriedBy: shippingv1.CarriedBy_CARRIED_BY_STAFF, Carrier: "DHL"}),
		"somebody at last":  to(id, delivered, byPost),
		"back to the start": to(id, shippingv1.ShipmentState_SHIPMENT_STATE_CREATED, nil),
	} {
		_, err := r.staff().AdvanceShipment(t.Context(), wrong)
		require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), "%s: %v", name, err)
	}
}

// Couriers and staff reach for the same parcels: each goes to one of them, and both know whose it is.
func TestCourierAndStaffCannotBothTakeAParcel(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		r := newReplica(t, db, newBroker(t), false)
		staff, courier := r.staff(), r.courier()
		won := map[shippingv1.CarriedBy]int{}
		for round := range 10 {
			user, order := newID(), newID()
			id := r.assembled(user, order).GetId()
			var racing sync.WaitGroup
			ready := make(chan struct{})
			var staffGotIt bool
			racing.Go(func() {
				<-ready
				_, err := staff.AdvanceShipment(t.Context(), to(id, shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER, byPost))
				if staffGotIt = err == nil; err != nil {
					refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")
				}
			})
			answers := make(chan bool, 5)
			for range cap(answers) {
				racing.Go(func() {
					<-ready
					for range round { // so that not always the same side wins
						r.shipment(user, order)
					}
					res, err := courier.HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: id})
					if err != nil {
						t.Error(err)
					}
					answers <- res.GetAccepted()
				})
			}
			close(ready)
			racing.Wait()
			close(answers)
			for courierGotIt := range answers {
				require.NotEqual(t, staffGotIt, courierGotIt)
			}
			by := r.shipment(user, order).GetCarriage().GetCarriedBy()
			require.Equal(t, staffGotIt, by == shippingv1.CarriedBy_CARRIED_BY_CARRIER)
			require.Equal(t, []string{"handed_over"}, r.told(order)[3:])
			won[by]++
		}
		t.Log(won)
	})
}

func TestStaffAssembleOneStepAtATimeAndOnce(t *testing.T) {
	databasetest.Each(t, shipping.Migrations(), func(t *testing.T, db *database.DB) {
		r := newReplica(t, db, newBroker(t), false)
		user, order := newID(), newID()
		r.hear(&eventv1.OrderPaid{OrderId: order, UserId: user, Version: 4, ShippingMethodId: "standard"})
		made := r.shipment(user, order)
		staff := r.staff()
		_, err := staff.AdvanceShipment(t.Context(), &shippingv1.AdvanceShipmentRequest{RequestId: newID(), Id: made.GetId(), To: shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED})
		refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")
		_, err = r.courier().HandOver(t.Context(), &shippingv1.HandOverRequest{PackageId: made.GetId()})
		refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")

		begin := &shippingv1.AdvanceShipmentRequest{RequestId: newID(), Id: made.GetId(), To: shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING}
		var clicks sync.WaitGroup
		for range 10 {
			clicks.Go(func() {
				res, err := staff.AdvanceShipment(t.Context(), begin)
				if err != nil || res.GetShipment().GetVersion() != 2 {
					t.Errorf("%v, %v", res, err)
				}
			})
		}
		clicks.Wait()
		begin.RequestId = newID()
		_, err = staff.AdvanceShipment(t.Context(), begin)
		refused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")
		begin.Id = newID()
		_, err = staff.AdvanceShipment(t.Context(), begin)
		refused(t, err, connect.CodeNotFound, "SHIPMENT_NOT_FOUND")
		require.Equal(t, []string{"created", "assembly_started"}, r.told(order))

		for range 4 {
			r.hear(&eventv1.OrderPaid{OrderId: newID(), UserId: user, Version: 4, ShippingMethodId: "standard"})
		}
		var seen []string
		for page := (&shippingv1.ListShipmentsRequest{PageSize: 2}); ; {
			res, err := staff.ListShipments(t.Context(), page)
			require.NoError(t, err)
			for _, s := range res.GetShipments() {
				seen = append(seen, s.GetId())
			}
			if page.PageToken = res.GetNextPageToken(); page.PageToken == "" {
				break
			}
		}
		require.Len(t, seen, 5)
		require.Equal(t, made.GetId(), seen[4], "newest first")
		res, err := staff.ListShipments(t.Context(), &shippingv1.ListShipmentsRequest{State: shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING})
		require.NoError(t, err)
		require.Len(t, res.GetShipments(), 1)
		_, err = staff.CheckInvariants(t.Context(), &shippingv1.CheckInvariantsRequest{})
		require.NoError(t, err)
	})
}

func TestMethodsOfShipping(t *testing.T) {
	r := newReplica(t, databasetest.SQLite(t, shipping.Migrations()...), newBroker(t), false)
	client, url := r.Client("shipping")
	anyone := shippingv1connect.NewShippingServiceClient(client, url)
	list := func(country string) (ids []string) {
		res, err := anyone.ListShippingMethods(t.Context(), &shippingv1.ListShippingMethodsRequest{Country: country})
		require.NoError(t, err)
		for _, m := range res.GetMethods() {
			ids = append(ids, m.GetId())
			require.Equal(t, m.GetId() == "standard", m.GetFreeFrom().GetMinorUnits() == 6000)
		}
		return ids
	}
	require.Equal(t, []string{"pickup-locker", "standard", "express"}, list(""))
	require.Equal(t, []string{"pickup-locker", "standard", "express"}, list("DE"))
	require.Equal(t, []string{"standard", "express"}, list("CH"))
	require.Empty(t, list("US"))
}
