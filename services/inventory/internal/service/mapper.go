package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

var kindToProto = map[domain.Kind]inventoryv1.MovementKind{
	domain.Received: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED,
	domain.Adjusted: inventoryv1.MovementKind_MOVEMENT_KIND_ADJUSTED,
	domain.Shipped:  inventoryv1.MovementKind_MOVEMENT_KIND_SHIPPED,
	domain.Returned: inventoryv1.MovementKind_MOVEMENT_KIND_RETURNED,
}

var stateToProto = map[domain.State]inventoryv1.ReservationState{
	domain.Open:     inventoryv1.ReservationState_RESERVATION_STATE_OPEN,
	domain.Released: inventoryv1.ReservationState_RESERVATION_STATE_RELEASED,
	domain.Consumed: inventoryv1.ReservationState_RESERVATION_STATE_CONSUMED,
	domain.Rejected: inventoryv1.ReservationState_RESERVATION_STATE_REJECTED,
}

// stateFromProto answers no state for unspecified.
func stateFromProto(state inventoryv1.ReservationState) domain.State {
	for known, proto := range stateToProto {
		if proto == state {
			return known
		}
	}
	return ""
}

func stockToProto(s domain.Stock) *inventoryv1.Stock {
	return &inventoryv1.Stock{BeerId: s.BeerID, Available: s.Available(), Version: s.Version}
}

func movementToProto(m *db.Movement) *inventoryv1.Movement {
	return &inventoryv1.Movement{
		Id: m.ID, BeerId: m.BeerID, Kind: kindToProto[domain.Kind(m.Kind)], Quantity: m.Quantity, OrderId: m.OrderID,
		Note: m.Note, ActorId: m.ActorID, CreatedAt: timestamppb.New(m.CreatedAt), Lot: m.Lot,
	}
}

func reservationToProto(l store.ReservedLine) *inventoryv1.Reservation {
	return &inventoryv1.Reservation{
		OrderId: l.OrderID, BeerId: l.BeerID, Quantity: l.Quantity, State: stateToProto[l.State], CreatedAt: timestamppb.New(l.CreatedAt),
	}
}
