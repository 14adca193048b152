package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
)

func cartToProto(c *domain.Cart) *cartv1.Cart {
	out := &cartv1.Cart{Id: c.ID, Version: c.Version, Items: make([]*cartv1.CartItem, len(c.Items))}
	for i, item := range c.Items {
		out.Items[i] = &cartv1.CartItem{BeerId: item.BeerID, Quantity: item.Quantity}
	}
	if c.Version > 0 {
		out.UpdatedAt = timestamppb.New(c.UpdatedAt)
	}
	return out
}

func entryToProto(version int64, ev *eventv1.CartEvent) *cartv1.CartHistoryEntry {
	entry := &cartv1.CartHistoryEntry{Version: version, Type: eventstore.TypeOf(ev), OccurredAt: ev.GetOccurredAt()}
	for _, line := range linesOf(ev) {
		entry.Items = append(entry.Items, &cartv1.CartItem{BeerId: line.GetBeerId(), Quantity: line.GetQuantity()})
	}
	return entry
}

func linesOf(ev *eventv1.CartEvent) []*eventv1.CartLine {
	switch e := ev.GetEvent().(type) {
	case *eventv1.CartEvent_ItemAdded:
		return []*eventv1.CartLine{{BeerId: e.ItemAdded.GetBeerId(), Quantity: e.ItemAdded.GetQuantity()}}
	case *eventv1.CartEvent_QuantityChanged:
		return []*eventv1.CartLine{{BeerId: e.QuantityChanged.GetBeerId(), Quantity: e.QuantityChanged.GetQuantity()}}
	case *eventv1.CartEvent_ItemRemoved:
		return []*eventv1.CartLine{{BeerId: e.ItemRemoved.GetBeerId()}}
	case *eventv1.CartEvent_Merged:
		return e.Merged.GetLines()
	case *eventv1.CartEvent_CheckedOut:
		return e.CheckedOut.GetLines()
	case *eventv1.CartEvent_Restored:
		return e.Restored.GetLines()
	case *eventv1.CartEvent_HandedOver:
		return e.HandedOver.GetLines()
	case *eventv1.CartEvent_Snapshot:
		return e.Snapshot.GetLines()
	}
	return nil
}
