package service_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/shipping/internal/changes"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/service"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// A stream shows that it lives, and sees even a change that nobody told it of, such as by a replica that died after its
// commit.
func TestHeartbeatsShowWhatNobodyTold(t *testing.T) {
	db := databasetest.SQLite(t, journal.Migrations, store.Migrations())
	server, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(server, conn) })
	silent := store.New(db, func([]string) {})
	shop := rpctest.New(t, "shipping")
	shop.Serve("shipping")(shippingv1connect.NewShippingServiceHandler(
		service.NewShipping(silent, changes.New(conn, shop.Log), 20*time.Millisecond, shop.Clock, shop.Log), shop.Options("shipping")...))
	user, order := newID(), newID()
	happens := func(kind domain.Kind) {
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			step := store.Step{OrderID: order, UserID: user, MethodID: "standard", Input: domain.Input{Kind: kind, Reason: "CUSTOMER", Request: 5}, At: time.Now()}
			_, err := silent.Advance(ctx, tx, step)
			return err
		}))
	}
	happens(domain.OrderPaid)

	client, url := shop.Client("shipping")
	stream, err := shippingv1connect.NewShippingServiceClient(client, url, shop.As(identity.RoleCustomer, user)).
		TrackShipment(t.Context(), &shippingv1.TrackShipmentRequest{OrderId: order})
	require.NoError(t, err)
	require.True(t, stream.Receive())
	require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_CREATED, stream.Msg().GetShipment().GetState())
	for range 2 {
		require.True(t, stream.Receive())
		require.Nil(t, stream.Msg().GetShipment(), "a heartbeat")
	}
	happens(domain.StopRequested)
	var last *shippingv1.Shipment
	for stream.Receive() {
		if s := stream.Msg().GetShipment(); s != nil {
			last = s
		}
	}
	require.NoError(t, stream.Err())
	require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED, last.GetState())
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
