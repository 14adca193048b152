package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
)

var stateToProto = map[domain.State]shippingv1.ShipmentState{
	domain.Created:    shippingv1.ShipmentState_SHIPMENT_STATE_CREATED,
	domain.Assembling: shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING,
	domain.Assembled:  shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED,
	domain.HandedOver: shippingv1.ShipmentState_SHIPMENT_STATE_HANDED_OVER,
	domain.Delivered:  shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED,
	domain.Stopped:    shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED,
	domain.Returning:  shippingv1.ShipmentState_SHIPMENT_STATE_RETURNING,
	domain.Returned:   shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED,
}

func stateFromProto(wanted shippingv1.ShipmentState) domain.State {
	for state, p := range stateToProto {
		if p == wanted {
			return state
		}
	}
	return domain.Unknown
}

var carriedByToProto = map[domain.CarriedBy]shippingv1.CarriedBy{
	domain.ByNobody:  shippingv1.CarriedBy_CARRIED_BY_UNSPECIFIED,
	domain.ByCourier: shippingv1.CarriedBy_CARRIED_BY_COURIER,
	domain.ByStaff:   shippingv1.CarriedBy_CARRIED_BY_STAFF,
	domain.ByPickUp:  shippingv1.CarriedBy_CARRIED_BY_PICK_UP,
	domain.ByCarrier: shippingv1.CarriedBy_CARRIED_BY_CARRIER,
}

func carriageToProto(c domain.Carriage) *shippingv1.Carriage {
	if c.By == domain.ByNobody {
		return nil
	}
	return &shippingv1.Carriage{CarriedBy: carriedByToProto[c.By], Carrier: c.Carrier, TrackingReference: c.Reference}
}

func carriageFromProto(c *shippingv1.Carriage) domain.Carriage {
	for by, p := range carriedByToProto {
		if p == c.GetCarriedBy() {
			return domain.Carriage{By: by, Carrier: c.GetCarrier(), Reference: c.GetTrackingReference()}
		}
	}
	return domain.Carriage{}
}

func shipmentToProto(s domain.Shipment) *shippingv1.Shipment {
	return &shippingv1.Shipment{
		Id: s.ID, OrderId: s.OrderID, UserId: s.UserID, State: stateToProto[s.State], ShippingMethodId: s.MethodID, ProgressPercent: s.Progress,
		Version: s.Version, CreatedAt: timestamppb.New(s.CreatedAt), UpdatedAt: timestamppb.New(s.UpdatedAt),
		Carriage: carriageToProto(s.Carriage),
	}
}

func methodToProto(m domain.Method) *shippingv1.ShippingMethod {
	out := &shippingv1.ShippingMethod{
		Id: m.ID, Name: m.Name, Description: m.Description, Rate: &typev1.Money{MinorUnits: m.Rate, Currency: m.Currency}, Days: m.Days, Countries: m.Countries,
	}
	if m.FreeFrom > 0 {
		out.FreeFrom = &typev1.Money{MinorUnits: m.FreeFrom, Currency: m.Currency}
	}
	return out
}
