package service

import (
	"context"
	"time"

	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// Admin answers ShippingAdminService: what staff do with anybody's shipments.
type Admin struct {
	db    *database.DB
	store *store.Store
	clock func() time.Time
}

// NewAdmin returns the handler.
func NewAdmin(db *database.DB, store *store.Store, clock func() time.Time) *Admin {
	return &Admin{db: db, store: store, clock: clock}
}

// ListShipments answers shipments of everybody, newest first.
func (a *Admin) ListShipments(ctx context.Context, req *shippingv1.ListShipmentsRequest) (*shippingv1.ListShipmentsResponse, error) {
	filter := store.Filter{State: stateFromProto(req.GetState()), OrderID: req.GetOrderId()}
	if err := paging.Decode(req.GetPageToken(), &filter.Before); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	shipments, err := a.store.List(ctx, filter, size+1)
	if err != nil {
		return nil, err
	}
	res := &shippingv1.ListShipmentsResponse{}
	if len(shipments) > size {
		shipments = shipments[:size]
		res.NextPageToken = paging.Encode(shipments[size-1].ID)
	}
	for _, shipment := range shipments {
		res.Shipments = append(res.Shipments, shipmentToProto(shipment))
	}
	return res, nil
}

// steps are what staff do to a shipment, by the state that they take it to.
var steps = map[shippingv1.ShipmentState]domain.Kind{
	shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING:  domain.StartAssembly,
	shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED:   domain.FinishAssembly,
	shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER: domain.StaffHandOver,
	shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED:   domain.StaffDelivered,
	shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED:    domain.StaffReturned,
}

// AdvanceShipment takes a shipment one step further, once per request id.
func (a *Admin) AdvanceShipment(ctx context.Context, req *shippingv1.AdvanceShipmentRequest) (*shippingv1.AdvanceShipmentResponse, error) {
	input := domain.Input{Kind: steps[req.GetTo()], Carriage: carriageFromProto(req.GetCarriage())}
	res := &shippingv1.AdvanceShipmentResponse{}
	err := a.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return journal.Once(ctx, tx, identity.Must(ctx).ID, "AdvanceShipment", req.GetRequestId(), req, res, func(ctx context.Context) error {
			known, err := store.GetIn(ctx, tx, req.GetId()) // its order, which never changes
			if err != nil {
				return err
			}
			now := a.clock()
			after, err := a.store.Advance(ctx, tx, store.Step{OrderID: known.OrderID, Input: input, At: now, DeliveredAt: now})
			if err != nil {
				return err
			}
			res.Shipment = shipmentToProto(after[known.OrderID])
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// CheckInvariants checks the rules that shipments must obey by themselves.
func (a *Admin) CheckInvariants(ctx context.Context, _ *shippingv1.CheckInvariantsRequest) (*shippingv1.CheckInvariantsResponse, error) {
	invariants, err := a.store.CheckInvariants(ctx, a.clock())
	if err != nil {
		return nil, err
	}
	return &shippingv1.CheckInvariantsResponse{Invariants: invariants}, nil
}
