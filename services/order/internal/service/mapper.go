package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

var stateToProto = map[domain.State]orderv1.OrderState{
	domain.Pending:    orderv1.OrderState_ORDER_STATE_PENDING,
	domain.Paid:       orderv1.OrderState_ORDER_STATE_PAID,
	domain.Assembling: orderv1.OrderState_ORDER_STATE_ASSEMBLING,
	domain.Assembled:  orderv1.OrderState_ORDER_STATE_ASSEMBLED,
	domain.Delivering: orderv1.OrderState_ORDER_STATE_DELIVERING,
	domain.Delivered:  orderv1.OrderState_ORDER_STATE_DELIVERED,
	domain.Cancelled:  orderv1.OrderState_ORDER_STATE_CANCELLED,
}

var reasonToProto = map[domain.Reason]orderv1.CancelReason{
	domain.ByCustomer:      orderv1.CancelReason_CANCEL_REASON_CUSTOMER,
	domain.ByStaff:         orderv1.CancelReason_CANCEL_REASON_STAFF,
	domain.OutOfStock:      orderv1.CancelReason_CANCEL_REASON_OUT_OF_STOCK,
	domain.PaymentDeclined: orderv1.CancelReason_CANCEL_REASON_PAYMENT_DECLINED,
	domain.TimedOut:        orderv1.CancelReason_CANCEL_REASON_TIMEOUT,
	domain.Fraud:           orderv1.CancelReason_CANCEL_REASON_FRAUD,
}

func statesFromProto(states []orderv1.OrderState) []domain.State {
	var out []domain.State
	for _, state := range domain.States() {
		for _, wanted := range states {
			if stateToProto[state] == wanted {
				out = append(out, state)
			}
		}
	}
	return out
}

func orderToProto(o domain.Order) *orderv1.Order {
	payment := &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}}
	if o.CardID != "" {
		payment.Method = &orderv1.PaymentMethod_CardId{CardId: o.CardID}
	}
	a := o.Address
	return &orderv1.Order{
		Id:           o.ID,
		UserId:       o.UserID,
		State:        stateToProto[o.Status.State],
		CancelReason: reasonToProto[o.Status.Reason],
		Lines:        linesToProto(o.Quote),
		Subtotal:     money(o.Quote.Subtotal, o.Quote.Currency),
		Shipping:     money(o.Quote.Shipping, o.Quote.Currency),
		Total:        money(o.Quote.Total, o.Quote.Currency),
		Address: &typev1.Address{
			Recipient: a.Recipient, Street: a.Street, City: a.City, PostalCode: a.PostalCode, Country: a.Country, Phone: a.Phone,
		},
		ShippingMethodId: o.Quote.MethodID,
		Payment:          payment,
		PlacedAt:         timestamppb.New(o.PlacedAt),
		UpdatedAt:        timestamppb.New(o.UpdatedAt),
		Version:          o.Version,
		CancelRequested:  o.Status.CancelRequested(),
	}
}

func ordersToProto(orders []domain.Order) []*orderv1.Order {
	out := make([]*orderv1.Order, len(orders))
	for i, o := range orders {
		out[i] = orderToProto(o)
	}
	return out
}

func quoteToProto(q domain.Quote) *orderv1.Quote {
	return &orderv1.Quote{
		Lines:            linesToProto(q),
		Subtotal:         money(q.Subtotal, q.Currency),
		Shipping:         money(q.Shipping, q.Currency),
		Total:            money(q.Total, q.Currency),
		ShippingMethodId: q.MethodID,
		Digest:           q.Digest(),
		CartVersion:      q.CartVersion,
	}
}

func linesToProto(q domain.Quote) []*orderv1.OrderLine {
	out := make([]*orderv1.OrderLine, len(q.Lines))
	for i, l := range q.Lines {
		out[i] = &orderv1.OrderLine{
			BeerId: l.BeerID, BeerName: l.BeerName, Quantity: l.Quantity,
			UnitPrice: money(l.UnitPrice, q.Currency), LineTotal: money(l.Total(), q.Currency),
		}
	}
	return out
}

func money(minorUnits int64, currency string) *typev1.Money {
	return &typev1.Money{MinorUnits: minorUnits, Currency: currency}
}

func addressFromProto(a *typev1.Address) domain.Address {
	return domain.Address{
		Recipient: a.GetRecipient(), Street: a.GetStreet(), City: a.GetCity(), PostalCode: a.GetPostalCode(), Country: a.GetCountry(), Phone: a.GetPhone(),
	}
}

// stepDescriptions say what a time line entry means to people.
var stepDescriptions = map[string]string{
	"order.placed":                         "The order was placed.",
	string(domain.StockWasReserved):        "The beers were set aside.",
	string(domain.StockWasRejected):        "At least one beer is sold out.",
	string(domain.MoneyWasAuthorized):      "The money is held.",
	string(domain.MoneyWasDeclined):        "The payment was declined.",
	string(domain.MoneyWasCaptured):        "The money was taken.",
	string(domain.MoneyWasVoided):          "The hold on the money was lifted.",
	string(domain.MoneyWasRefunded):        "The money was given back.",
	string(domain.AssemblyStarted):         "The warehouse packs the order.",
	string(domain.ShipmentAssembled):       "The parcel is packed.",
	string(domain.ShipmentHandedOver):      "A courier has the parcel.",
	string(domain.ShipmentDelivered):       "The parcel was delivered.",
	string(domain.ShipmentStopped):         "The shipment was stopped.",
	string(domain.ShipmentStopRefused):     "The shipment could not be stopped any more.",
	string(domain.ShipmentReturned):        "The parcel came back.",
	string(domain.AnnounceConfirmed):       "Stock and payment are confirmed.",
	string(domain.AnnouncePaid):            "The order is paid.",
	string(domain.AnnounceCancelRequested): "A cancellation was asked for.",
	string(domain.AnnounceCancelRefused):   "The cancellation came too late.",
	string(domain.AnnounceCancelled):       "The order was cancelled.",
}

// progressDescriptions say what it means that an order followed its shipment into a state.
var progressDescriptions = map[domain.State]string{
	domain.Assembling: "The order is being packed.",
	domain.Assembled:  "The order is packed and waits for a courier.",
	domain.Delivering: "The order is on its way.",
	domain.Delivered:  "The order is complete.",
}

func describe(e domain.TimelineEntry) string {
	if e.Type == string(domain.AnnounceProgressed) {
		return progressDescriptions[e.State]
	}
	return stepDescriptions[e.Type]
}

func timelineToProto(entries []domain.TimelineEntry) []*orderv1.TimelineEntry {
	out := make([]*orderv1.TimelineEntry, len(entries))
	for i, e := range entries {
		out[i] = &orderv1.TimelineEntry{
			Number: e.Number, Type: e.Type, Description: describe(e), OccurredAt: timestamppb.New(e.OccurredAt),
			State: stateToProto[e.State], EventId: e.EventID, Compensation: e.Compensation,
		}
	}
	return out
}
