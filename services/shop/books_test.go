package shop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/shop"
)

// said is what the services of a shop say of one order: a shop whose books can be broken at will.
type said struct {
	state       orderv1.OrderState
	changed     time.Time
	captured    int64
	refunded    int64
	shipments   []shippingv1.ShipmentState
	reservation inventoryv1.ReservationState
}

const total = 1000

type orders struct {
	orderv1connect.UnimplementedOrderAdminServiceHandler
	said said
}

func (o orders) CheckInvariants(context.Context, *orderv1.CheckInvariantsRequest) (*orderv1.CheckInvariantsResponse, error) {
	return &orderv1.CheckInvariantsResponse{}, nil
}

func (o orders) SearchOrders(context.Context, *orderv1.SearchOrdersRequest) (*orderv1.SearchOrdersResponse, error) {
	return &orderv1.SearchOrdersResponse{Orders: []*orderv1.Order{{
		Id: "o", State: o.said.state, Total: &typev1.Money{MinorUnits: total, Currency: "EUR"}, UpdatedAt: timestamppb.New(o.said.changed),
	}}}, nil
}

type payments struct {
	paymentv1connect.UnimplementedPaymentAdminServiceHandler
	said said
}

func (p payments) CheckInvariants(context.Context, *paymentv1.CheckInvariantsRequest) (*paymentv1.CheckInvariantsResponse, error) {
	return &paymentv1.CheckInvariantsResponse{}, nil
}

func (p payments) ListPayments(context.Context, *paymentv1.ListPaymentsRequest) (*paymentv1.ListPaymentsResponse, error) {
	return &paymentv1.ListPaymentsResponse{Payments: []*paymentv1.Payment{{
		OrderId: "o", Captured: &typev1.Money{MinorUnits: p.said.captured}, Refunded: &typev1.Money{MinorUnits: p.said.refunded},
	}}}, nil
}

type shipping struct {
	shippingv1connect.UnimplementedShippingAdminServiceHandler
	said said
}

func (s shipping) CheckInvariants(context.Context, *shippingv1.CheckInvariantsRequest) (*shippingv1.CheckInvariantsResponse, error) {
	return &shippingv1.CheckInvariantsResponse{}, nil
}

func (s shipping) ListShipments(context.Context, *shippingv1.ListShipmentsRequest) (*shippingv1.ListShipmentsResponse, error) {
	res := &shippingv1.ListShipmentsResponse{}
	for _, state := range s.said.shipments {
		res.Shipments = append(res.Shipments, &shippingv1.Shipment{OrderId: "o", State: state})
	}
	return res, nil
}

type inventory struct {
	inventoryv1connect.UnimplementedInventoryAdminServiceHandler
	said said
}

func (i inventory) CheckInvariants(context.Context, *inventoryv1.CheckInvariantsRequest) (*inventoryv1.CheckInvariantsResponse, error) {
	return &inventoryv1.CheckInvariantsResponse{}, nil
}

func (i inventory) ListReservations(context.Context, *inventoryv1.ListReservationsRequest) (*inventoryv1.ListReservationsResponse, error) {
	return &inventoryv1.ListReservationsResponse{Reservations: []*inventoryv1.Reservation{{OrderId: "o", State: i.said.reservation}}}, nil
}

// books answers the status of each rule between services.
func books(t *testing.T, s said) map[string]typev1.InvariantStatus {
	mux := http.NewServeMux()
	mux.Handle(orderv1connect.NewOrderAdminServiceHandler(orders{said: s}))
	mux.Handle(paymentv1connect.NewPaymentAdminServiceHandler(payments{said: s}))
	mux.Handle(shippingv1connect.NewShippingAdminServiceHandler(shipping{said: s}))
	mux.Handle(inventoryv1connect.NewInventoryAdminServiceHandler(inventory{said: s}))
	server := httptest.NewServer(mux)
	defer server.Close()
	found, err := shop.Books(t.Context(), shop.Caller{HTTP: server.Client(), URL: server.URL})
	require.NoError(t, err)
	status := make(map[string]typev1.InvariantStatus)
	for _, i := range found {
		status[i.GetName()] = i.GetStatus()
	}
	return status
}

func TestBooksFindWhatServicesDisagreeOn(t *testing.T) {
	const (
		ok     = typev1.InvariantStatus_INVARIANT_STATUS_OK
		broken = typev1.InvariantStatus_INVARIANT_STATUS_BROKEN
	)
	delivered := said{
		state: orderv1.OrderState_ORDER_STATE_DELIVERED, changed: time.Now().Add(-time.Hour), captured: total,
		shipments:   []shippingv1.ShipmentState{shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED},
		reservation: inventoryv1.ReservationState_RESERVATION_STATE_CONSUMED,
	}
	cancelled := said{
		state: orderv1.OrderState_ORDER_STATE_CANCELLED, changed: time.Now().Add(-time.Hour), captured: total, refunded: total,
		shipments:   []shippingv1.ShipmentState{shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED},
		reservation: inventoryv1.ReservationState_RESERVATION_STATE_RELEASED,
	}
	for _, good := range []said{delivered, cancelled} {
		require.Equal(t, map[string]typev1.InvariantStatus{"books.order_money": ok, "books.one_shipment": ok, "books.reservations": ok}, books(t, good))
	}
	for name, test := range map[string]struct {
		order  said
		change func(*said)
		rule   string
	}{
		"a cent too little":              {delivered, func(s *said) { s.captured-- }, "books.order_money"},
		"delivered and refunded":         {delivered, func(s *said) { s.refunded = total }, "books.order_money"},
		"cancelled and kept":             {cancelled, func(s *said) { s.refunded = 0 }, "books.order_money"},
		"two shipments":                  {delivered, func(s *said) { s.shipments = append(s.shipments, s.shipments[0]) }, "books.one_shipment"},
		"delivered without a shipment":   {delivered, func(s *said) { s.shipments = nil }, "books.one_shipment"},
		"cancelled and delivered":        {cancelled, func(s *said) { s.shipments = delivered.shipments }, "books.one_shipment"},
		"cancelled and still reserved":   {cancelled, func(s *said) { s.reservation = inventoryv1.ReservationState_RESERVATION_STATE_OPEN }, "books.reservations"},
		"delivered and still in reserve": {delivered, func(s *said) { s.reservation = inventoryv1.ReservationState_RESERVATION_STATE_OPEN }, "books.reservations"},
	} {
		t.Run(name, func(t *testing.T) {
			test.change(&test.order)
			require.Equal(t, broken, books(t, test.order)[test.rule])
			test.order.changed = time.Now()
			require.Equal(t, typev1.InvariantStatus_INVARIANT_STATUS_PENDING, books(t, test.order)[test.rule], "messages may be under way")
		})
	}
}
