package store

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
)

// eventOf is the event that tells an announcement.
func eventOf(what domain.Announcement, before, after domain.Shipment, step Step) proto.Message {
	order, id, version := after.OrderID, after.ID, after.Version
	switch what {
	case domain.AnnounceCreated:
		return &eventv1.ShipmentCreated{OrderId: order, ShipmentId: id, Version: version}
	case domain.AnnounceAssemblyStarted:
		return &eventv1.ShipmentAssemblyStarted{OrderId: order, ShipmentId: id, Version: version}
	case domain.AnnounceAssembled:
		return &eventv1.ShipmentAssembled{OrderId: order, ShipmentId: id, Version: version}
	case domain.AnnouncePackage:
		return &eventv1.PackageReady{PackageId: id, OrderId: order, ShippingMethodId: after.MethodID}
	case domain.AnnounceHandedOver:
		return &eventv1.ShipmentHandedOver{OrderId: order, ShipmentId: id, Version: version}
	case domain.AnnounceDelivered:
		return &eventv1.ShipmentDelivered{OrderId: order, ShipmentId: id, Version: version, DeliveredAt: timestamppb.New(step.DeliveredAt)}
	case domain.AnnounceStopped:
		return &eventv1.ShipmentStopped{OrderId: order, ShipmentId: id, Version: version, Reason: after.Reason}
	case domain.AnnounceStopRefused:
		return &eventv1.ShipmentStopRefused{OrderId: order, ShipmentId: id, Version: before.Version, Request: after.Answered}
	case domain.AnnounceReturned:
		return &eventv1.ShipmentReturned{OrderId: order, ShipmentId: id, Version: version, Reason: after.Reason}
	}
	panic("shipping: no event tells " + what)
}
