// Package service answers the shipping service's remote calls.
package service

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"connectrpc.com/connect"

	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/shipping/internal/changes"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// Heartbeat is how often a stream shows that it lives.
const Heartbeat = 15 * time.Second

// Shipping answers ShippingService: what customers may know of methods and of their shipments.
type Shipping struct {
	store     *store.Store
	methods   *methods
	changes   *changes.Changes
	heartbeat time.Duration
}

// NewShipping returns the handler, whose streams send a heartbeat so often.
func NewShipping(kept *store.Store, changes *changes.Changes, heartbeat time.Duration, clock func() time.Time, log *slog.Logger) *Shipping {
	return &Shipping{store: kept, methods: &methods{store: kept, clock: clock, log: log}, changes: changes, heartbeat: heartbeat}
}

// ListShippingMethods answers the methods on offer, the cheapest first.
func (s *Shipping) ListShippingMethods(ctx context.Context, req *shippingv1.ListShippingMethodsRequest) (*shippingv1.ListShippingMethodsResponse, error) {
	all, err := s.methods.all(ctx)
	if err != nil {
		return nil, err
	}
	res := &shippingv1.ListShippingMethodsResponse{}
	for _, method := range all {
		if req.GetCountry() == "" || slices.Contains(method.Countries, req.GetCountry()) {
			res.Methods = append(res.Methods, methodToProto(method))
		}
	}
	return res, nil
}

// GetShipment answers the shipment of one of the caller's orders.
func (s *Shipping) GetShipment(ctx context.Context, req *shippingv1.GetShipmentRequest) (*shippingv1.GetShipmentResponse, error) {
	shipment, err := s.store.OfOrder(ctx, identity.Must(ctx).ID, req.GetOrderId())
	if err != nil {
		return nil, err
	}
	return &shippingv1.GetShipmentResponse{Shipment: shipmentToProto(shipment)}, nil
}

// TrackShipment sends the shipment of one of the caller's orders, and again whenever it changed, until its journey ends.
// Changes that follow each other closely may come as one. It listens before it reads, so that none is missed between,
// and reads with each heartbeat as well, for changes that nobody could tell of.
func (s *Shipping) TrackShipment(ctx context.Context, req *shippingv1.TrackShipmentRequest, stream *connect.ServerStream[shippingv1.TrackShipmentResponse]) error {
	userID := identity.Must(ctx).ID
	woken, stop, err := s.changes.Listen(ctx, req.GetOrderId())
	if err != nil {
		return err
	}
	defer stop()
	beat := time.NewTicker(s.heartbeat)
	defer beat.Stop()
	for sent := int64(0); ; {
		shipment, err := s.store.OfOrder(ctx, userID, req.GetOrderId())
		if err != nil {
			return err
		}
		if shipment.Version > sent {
			if err := stream.Send(&shippingv1.TrackShipmentResponse{Shipment: shipmentToProto(shipment)}); err != nil {
				return err
			}
			sent = shipment.Version
		}
		if shipment.State.Terminal() {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-woken:
		case <-beat.C:
			if err := stream.Send(&shippingv1.TrackShipmentResponse{}); err != nil {
				return err
			}
		}
	}
}
