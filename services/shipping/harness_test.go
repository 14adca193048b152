package shipping_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/shipping"
)

const patience, tick = 30 * time.Second, 5 * time.Millisecond

var quiet = slog.New(slog.DiscardHandler)

// broker is a real NATS server in this process with the shop's streams.
type broker struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

func newBroker(t *testing.T) broker {
	t.Helper()
	server, conn, err := embedded.NATS(t.TempDir(), quiet)
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(server, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), js, 1))
	return broker{conn, js}
}

// replica is one replica of the shipping service behind its real handlers.
type replica struct {
	broker
	*rpctest.Shop
	t      *testing.T
	db     *database.DB
	module *module.Module
}

func newReplica(t *testing.T, db *database.DB, b broker, demo bool) *replica {
	t.Helper()
	r := &replica{broker: b, Shop: rpctest.New(t, "shipping", "courier"), t: t, db: db}
	var err error
	r.module, err = shipping.New(shipping.Config{}, module.Kit{
		Log: quiet, Clock: r.Clock, DB: db, NATS: b.conn, JetStream: b.js, HandlerOptions: r.Options("shipping"), Demo: demo,
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	module.Mount(mux, r.module)
	r.Resolver.Register("shipping", mux)
	return r
}

// run runs the replica's relay, consumers and loops until the test ends.
func (r *replica) run() {
	runner := messaging.Runner{JetStream: r.js, DB: r.db, Log: quiet}
	r.start(messaging.Relay{Service: "shipping", DB: r.db, NATS: r.conn, Log: quiet}.Run)
	for _, c := range r.module.Consumers {
		r.start(func(ctx context.Context) error { return runner.Consume(ctx, c) })
	}
	for _, loop := range r.module.Loops {
		r.start(loop.Run)
	}
}

func (r *replica) start(fn func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		require.NoError(r.t, <-done)
	})
}

// hear lets the replica's consumers handle events at once, without a broker.
func (r *replica) hear(events ...proto.Message) {
	r.t.Helper()
	for _, c := range r.module.Consumers {
		p, err := messaging.NewProcessor(c, r.db)
		require.NoError(r.t, err)
		for _, ev := range events {
			subject, err := event.Subject(ev)
			require.NoError(r.t, err)
			if !p.Takes(subject) {
				continue
			}
			data, err := proto.Marshal(ev)
			require.NoError(r.t, err)
			header := nats.Header{messaging.HeaderID: {newID()}, messaging.HeaderType: {event.Type(ev)}}
			for _, outcome := range p.Process(context.Background(), []messaging.Message{{Subject: subject, Data: data, Deliveries: 1, Header: header}}) {
				require.Equal(r.t, messaging.Ack, outcome.Action, "%v", outcome.Err)
			}
		}
	}
}

func (r *replica) customer(id string) shippingv1connect.ShippingServiceClient {
	client, url := r.Client("shipping")
	return shippingv1connect.NewShippingServiceClient(client, url, r.As(identity.RoleCustomer, id))
}

func (r *replica) staff() shippingv1connect.ShippingAdminServiceClient {
	client, url := r.Client("shipping")
	return shippingv1connect.NewShippingAdminServiceClient(client, url, r.As(identity.RoleStaff, newID()))
}

func (r *replica) courier() shippingv1connect.ShippingCourierServiceClient {
	peers := r.Peers("courier")
	return shippingv1connect.NewShippingCourierServiceClient(peers.Client("shipping"), peers.URL("shipping"), peers.Options()...)
}

// shipment answers what a customer sees.
func (r *replica) shipment(userID, orderID string) *shippingv1.Shipment {
	r.t.Helper()
	res, err := r.customer(userID).GetShipment(context.Background(), &shippingv1.GetShipmentRequest{OrderId: orderID})
	require.NoError(r.t, err)
	return res.GetShipment()
}

// assembled makes a shipment that waits for its courier.
func (r *replica) assembled(userID, orderID string) *shippingv1.Shipment {
	r.t.Helper()
	r.hear(&eventv1.OrderPaid{OrderId: orderID, UserId: userID, Version: 4, ShippingMethodId: "standard"})
	made := r.shipment(userID, orderID)
	for _, to := range []shippingv1.ShipmentState{shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING, shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED} {
		_, err := r.staff().AdvanceShipment(r.t.Context(), &shippingv1.AdvanceShipmentRequest{RequestId: newID(), Id: made.GetId(), To: to})
		require.NoError(r.t, err)
	}
	return r.shipment(userID, orderID)
}

// told answers the events of an order, in their order, without the part that all subjects share.
func (r *replica) told(orderID string) []string {
	r.t.Helper()
	rows, err := r.db.Query(context.Background(), `SELECT subject FROM outbox WHERE aggregate = ? ORDER BY seq`, orderID)
	require.NoError(r.t, err)
	defer rows.Close()
	var told []string
	for rows.Next() {
		var subject string
		require.NoError(r.t, rows.Scan(&subject))
		told = append(told, subject[len("taproom.shipment."):len(subject)-len(orderID)-1])
	}
	require.NoError(r.t, rows.Err())
	return told
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
