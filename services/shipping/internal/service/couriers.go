package service

import (
	"context"
	"time"

	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// Couriers answers ShippingCourierService: what couriers ask.
type Couriers struct {
	db    *database.DB
	store *store.Store
	clock func() time.Time
}

// NewCouriers returns the handler.
func NewCouriers(db *database.DB, store *store.Store, clock func() time.Time) *Couriers {
	return &Couriers{db: db, store: store, clock: clock}
}

// HandOver lets a courier take a parcel, unless the shipment was stopped or staff handed it over. Couriers that come at the same time share one
// commit. Who asks again is answered without a lock: from the hand-over on only requests to cancel and who has the
// parcel move the shipment, and an answer is as good as the moment that it was given in.
func (c *Couriers) HandOver(ctx context.Context, req *shippingv1.HandOverRequest) (*shippingv1.HandOverResponse, error) {
	shipment, err := c.store.Get(ctx, req.GetPackageId())
	if err != nil {
		return nil, err
	}
	if !shipment.State.OnTheRoad() && !shipment.State.Terminal() {
		shipment, err = c.handOver(ctx, shipment.OrderID)
		if err != nil {
			return nil, err
		}
	}
	his := shipment.State.OnTheRoad() && shipment.Carriage.By == domain.ByCourier
	return &shippingv1.HandOverResponse{Accepted: his, State: stateToProto[shipment.State]}, nil
}

func (c *Couriers) handOver(ctx context.Context, orderID string) (shipment domain.Shipment, err error) {
	err = c.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		after, err := c.store.Advance(ctx, tx, store.Step{OrderID: orderID, Input: domain.Input{Kind: domain.HandOver}, At: c.clock()})
		shipment = after[orderID]
		return err
	})
	return shipment, err
}
