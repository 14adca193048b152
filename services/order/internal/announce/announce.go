// Package announce makes the events by which orders tell what became of them.
package announce

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// Placed makes the event of a new order.
func Placed(o domain.Order) *eventv1.OrderPlaced {
	payment := &eventv1.PaymentInstruction{Method: &eventv1.PaymentInstruction_Wallet{Wallet: true}}
	if o.CardID != "" {
		payment.Method = &eventv1.PaymentInstruction_CardId{CardId: o.CardID}
	}
	return &eventv1.OrderPlaced{
		OrderId:          o.ID,
		UserId:           o.UserID,
		Version:          o.Version,
		Lines:            lines(o.Quote),
		Total:            total(o.Quote),
		Payment:          payment,
		ShippingMethodId: o.Quote.MethodID,
		CartVersion:      o.Quote.CartVersion,
		PlacedAt:         timestamppb.New(o.PlacedAt),
		ExpiresAt:        timestamppb.New(o.ExpiresAt),
	}
}

// Event makes the event of an announcement. o is the order as it became, with its lines; from is where it stood.
func Event(o domain.Order, from domain.State, what domain.Announcement) proto.Message {
	switch what {
	case domain.AnnounceConfirmed:
		return &eventv1.OrderConfirmed{OrderId: o.ID, UserId: o.UserID, Version: o.Version, Total: total(o.Quote)}
	case domain.AnnouncePaid:
		return &eventv1.OrderPaid{
			OrderId: o.ID, UserId: o.UserID, Version: o.Version, Lines: lines(o.Quote), ShippingMethodId: o.Quote.MethodID, Total: total(o.Quote),
		}
	case domain.AnnounceCancelRequested:
		return &eventv1.OrderCancelRequested{
			OrderId: o.ID, UserId: o.UserID, Version: o.Version, Reason: string(o.Status.RequestedReason), Recall: o.Status.Recall,
		}
	case domain.AnnounceCancelRefused:
		return &eventv1.OrderCancelRefused{OrderId: o.ID, UserId: o.UserID, Version: o.Version}
	case domain.AnnounceCancelled:
		return &eventv1.OrderCancelled{
			OrderId: o.ID, UserId: o.UserID, Version: o.Version, Reason: string(o.Status.Reason), Lines: lines(o.Quote),
			Total: total(o.Quote), FromState: string(from),
		}
	case domain.AnnounceProgressed:
		return &eventv1.OrderProgressed{OrderId: o.ID, UserId: o.UserID, Version: o.Version, State: string(o.Status.State)}
	}
	panic(fmt.Sprintf("announcement %q has no event", what))
}

func total(q domain.Quote) *typev1.Money {
	return &typev1.Money{MinorUnits: q.Total, Currency: q.Currency}
}

func lines(q domain.Quote) []*eventv1.OrderLine {
	out := make([]*eventv1.OrderLine, len(q.Lines))
	for i, l := range q.Lines {
		out[i] = &eventv1.OrderLine{
			BeerId: l.BeerID, BeerName: l.BeerName, Quantity: l.Quantity,
			UnitPrice: &typev1.Money{MinorUnits: l.UnitPrice, Currency: q.Currency},
		}
	}
	return out
}
