package courier_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/courier"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

const patience, tick = 30 * time.Second, 5 * time.Millisecond

const (
	handedOver = shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER
	returning  = shippingv1.ShipmentState_SHIPMENT_STATE_RETURNING
	stopped    = shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED
	others     = -handedOver // it left the warehouse with somebody else
)

// desk is a shipping service that answers couriers as a test says: each parcel its states one after the other, the last
// for ever. A parcel that it does not know is not found.
type desk struct {
	mu     sync.Mutex
	states map[string][]shippingv1.ShipmentState
	caller string
}

func (d *desk) HandOver(ctx context.Context, req *shippingv1.HandOverRequest) (*shippingv1.HandOverResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.caller = identity.Must(ctx).ID
	states, ok := d.states[req.GetPackageId()]
	if !ok {
		return nil, fault.NotFound("SHIPMENT_NOT_FOUND", "There is no shipment %s.", req.GetPackageId())
	}
	if len(states) > 1 {
		d.states[req.GetPackageId()] = states[1:]
	}
	if states[0] == others {
		return &shippingv1.HandOverResponse{State: handedOver}, nil
	}
	return &shippingv1.HandOverResponse{Accepted: states[0] == handedOver || states[0] == returning, State: states[0]}, nil
}

// depot is a courier service between a real broker and a desk.
type depot struct {
	t    *testing.T
	js   jetstream.JetStream
	shop *rpctest.Shop
	desk *desk
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	server, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(server, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), js, 1))
	d := &depot{t: t, js: js, shop: rpctest.New(t, "courier", "shipping"), desk: &desk{states: map[string][]shippingv1.ShipmentState{}}}
	d.shop.Serve("shipping")(shippingv1connect.NewShippingCourierServiceHandler(d.desk, d.shop.Options("shipping")...))
	return d
}

func (d *depot) module(cfg courier.Config, demo bool) *module.Module {
	d.t.Helper()
	m, err := courier.New(cfg, module.Kit{Log: d.shop.Log, Clock: d.shop.Clock, JetStream: d.js, Peers: d.shop.Peers("courier"), Demo: demo})
	require.NoError(d.t, err)
	return m
}

// work runs a replica until the test ends or stop is called.
func (d *depot) work(stepTime time.Duration) (stop func()) {
	d.t.Helper()
	worker := d.module(courier.Config{StepTime: stepTime, Concurrency: 4}, true).Workers[0]
	worker.AckWait = time.Second // after which a parcel that nobody answers for goes to another driver
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- messaging.Runner{JetStream: d.js, Log: d.shop.Log}.Work(ctx, worker) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(d.t, <-done)
	})
	d.t.Cleanup(stop)
	return stop
}

// parcel puts a package into the queue, for which the desk will answer these states.
func (d *depot) parcel(id, method string, states ...shippingv1.ShipmentState) {
	d.t.Helper()
	if len(states) > 0 {
		d.desk.mu.Lock()
		d.desk.states[id] = states
		d.desk.mu.Unlock()
	}
	msg := &eventv1.PackageReady{PackageId: id, OrderId: "order-of-" + id, ShippingMethodId: method}
	require.NoError(d.t, messaging.Publish(d.t.Context(), d.js, "shipping", event.DeriveID(id), msg))
}

func (d *depot) left() uint64 {
	s, err := d.js.Stream(d.t.Context(), messaging.StreamPackages)
	require.NoError(d.t, err)
	return s.CachedInfo().State.Msgs
}

// told is an event that a courier published.
type told struct {
	id  string
	msg proto.Message
}

// told answers what the stream COURIER holds.
func (d *depot) told() []told {
	d.t.Helper()
	s, err := d.js.Stream(d.t.Context(), messaging.StreamCourier)
	require.NoError(d.t, err)
	var all []told
	for n := uint64(1); n <= s.CachedInfo().State.LastSeq; n++ {
		raw, err := s.GetMsg(d.t.Context(), n)
		require.NoError(d.t, err)
		kind, err := protoregistry.GlobalTypes.FindMessageByURL(raw.Header.Get(messaging.HeaderType))
		require.NoError(d.t, err)
		msg := kind.New().Interface()
		require.NoError(d.t, proto.Unmarshal(raw.Data, msg))
		all = append(all, told{raw.Header.Get(messaging.HeaderID), msg})
	}
	return all
}

// way is how a tour looks from outside: each progress, then how it ended.
func way(all []told) []any {
	var out []any
	for _, one := range all {
		if moved, ok := one.msg.(*eventv1.CourierMoved); ok {
			out = append(out, int(moved.GetProgressPercent()))
		} else {
			out = append(out, event.Type(one.msg)[len("taproom.event.v1."):])
		}
	}
	return out
}

func TestWaysOfAParcel(t *testing.T) {
	const id = "0198c0de-0000-7000-8000-000000000001"
	for _, test := range []struct {
		name   string
		states []shippingv1.ShipmentState
		way    []any
	}{
		{"delivered", []shippingv1.ShipmentState{handedOver}, []any{20, 40, 60, 80, "CourierDelivered"}},
		{"stopped before", []shippingv1.ShipmentState{stopped}, nil},
		{"handed over by staff", []shippingv1.ShipmentState{others}, nil},
		{"recalled on the way", []shippingv1.ShipmentState{handedOver, returning}, []any{20, 40, 60, 80, 60, 40, 20, "CourierReturned"}},
		{"recalled before a new driver begins", []shippingv1.ShipmentState{returning}, []any{60, 40, 20, "CourierReturned"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDepot(t)
			d.parcel(id, "standard", test.states...)
			d.work(0)
			require.Eventually(t, func() bool { return d.left() == 0 }, patience, tick)
			require.Equal(t, test.way, way(d.told()))
			require.Equal(t, "courier", d.desk.caller)
		})
	}
}

// A driver who is stopped in the middle of the way is followed by one who begins anew: the events have the same ids, so
// that the stream keeps each once, and so does whoever counts ids.
func TestAKilledDriverDoublesNothing(t *testing.T) {
	d := newDepot(t)
	const id = "0198c0de-0000-7000-8000-000000000002"
	d.parcel(id, "express", handedOver)
	stop := d.work(200 * time.Millisecond)
	require.Eventually(t, func() bool { return len(d.told()) >= 2 }, patience, tick)
	stop()
	first := d.told()
	require.Less(t, len(first), 5, "it was still on the way")
	require.EqualValues(t, 1, d.left())

	d.work(0)
	require.Eventually(t, func() bool { return d.left() == 0 }, patience, tick)
	all := d.told()
	require.Equal(t, []any{20, 40, 60, 80, "CourierDelivered"}, way(all))
	for i, one := range first {
		require.Equal(t, one.id, all[i].id)
	}
}

func TestAnUnknownParcelIsSetAside(t *testing.T) {
	d := newDepot(t)
	d.parcel("0198c0de-0000-7000-8000-000000000003", "standard")
	d.work(0)
	require.Eventually(t, func() bool { return d.left() == 0 }, patience, tick)
	letters, err := messaging.ListDeadLetters(t.Context(), d.js, 0, 10)
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "SHIPMENT_NOT_FOUND", letters[0].Reason)
}

func TestOnlyTheDemoHasSimulatedCouriers(t *testing.T) {
	d := newDepot(t)
	require.Empty(t, d.module(courier.Config{Concurrency: 1}, false).Workers)
	require.Len(t, d.module(courier.Config{Concurrency: 1, Simulate: true}, false).Workers, 1)
	_, err := courier.New(courier.Config{}, module.Kit{})
	require.ErrorContains(t, err, "concurrency")
}
