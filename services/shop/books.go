package shop

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/invariant"
)

// pageSize is the most that a page may have.
const pageSize = 100

// Books asks a running shop, as staff, whether every invariant holds: those that each service checks by itself, and those
// that hold between services. What messages under way explain is pending for a minute.
func Books(ctx context.Context, staff Caller) ([]*typev1.Invariant, error) {
	b := books{
		inventory: inventoryv1connect.NewInventoryAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...),
		orders:    orderv1connect.NewOrderAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...),
		payments:  paymentv1connect.NewPaymentAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...),
		shipping:  shippingv1connect.NewShippingAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...),
	}
	own, err := b.own(ctx)
	if err != nil {
		return nil, err
	}
	between, err := b.between(ctx, time.Now())
	return append(own, between...), err
}

type books struct {
	inventory inventoryv1connect.InventoryAdminServiceClient
	orders    orderv1connect.OrderAdminServiceClient
	payments  paymentv1connect.PaymentAdminServiceClient
	shipping  shippingv1connect.ShippingAdminServiceClient
}

// own collects what each service checks by itself.
func (b books) own(ctx context.Context) ([]*typev1.Invariant, error) {
	var inventory, orders, payments, shipping []*typev1.Invariant
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		res, err := b.inventory.CheckInvariants(ctx, &inventoryv1.CheckInvariantsRequest{})
		inventory = res.GetInvariants()
		return err
	})
	group.Go(func() error {
		res, err := b.orders.CheckInvariants(ctx, &orderv1.CheckInvariantsRequest{})
		orders = res.GetInvariants()
		return err
	})
	group.Go(func() error {
		res, err := b.payments.CheckInvariants(ctx, &paymentv1.CheckInvariantsRequest{})
		payments = res.GetInvariants()
		return err
	})
	group.Go(func() error {
		res, err := b.shipping.CheckInvariants(ctx, &shippingv1.CheckInvariantsRequest{})
		shipping = res.GetInvariants()
		return err
	})
	err := group.Wait()
	return slices.Concat(orders, payments, inventory, shipping), err
}

// between compares what the services say of the same orders.
func (b books) between(ctx context.Context, now time.Time) ([]*typev1.Invariant, error) {
	// Orders are read last: what they had led to before is then there, unless it is under way.
	money, err := b.moneyOfOrders(ctx)
	if err != nil {
		return nil, err
	}
	shipments, err := b.shipmentsOfOrders(ctx)
	if err != nil {
		return nil, err
	}
	reservations, err := b.reservationsOfOrders(ctx)
	if err != nil {
		return nil, err
	}
	paid := rule("books.order_money", "What is captured less what is refunded is an order's total from PAID on, and nothing once it is cancelled.")
	shipped := rule("books.one_shipment", "Each paid order has one shipment, whose state goes with the order's.")
	reserved := rule("books.reservations", "Stock is reserved for orders that were not handed over, and for no others.")
	err = b.eachOrder(ctx, func(o *orderv1.Order) {
		since := sql.NullTime{Time: o.GetUpdatedAt().AsTime(), Valid: true}
		check := func(result *typev1.Invariant, finding string) {
			result.Checked++
			if finding != "" {
				invariant.Add(result, fmt.Sprintf("order %s: %s", o.GetId(), finding), since, now)
			}
		}
		check(paid, moneyFinding(o, money[o.GetId()]))
		check(shipped, shipmentFinding(o, shipments[o.GetId()]))
		check(reserved, reservationFinding(o, reservations[o.GetId()]))
	})
	return []*typev1.Invariant{paid, shipped, reserved}, err
}

func rule(name, description string) *typev1.Invariant {
	return &typev1.Invariant{Name: name, Description: description, Status: typev1.InvariantStatus_INVARIANT_STATUS_OK}
}

func moneyFinding(o *orderv1.Order, kept int64) string {
	var want int64
	switch o.GetState() {
	case orderv1.OrderState_ORDER_STATE_PENDING:
		return "" // the capture may be under way
	case orderv1.OrderState_ORDER_STATE_CANCELLED, orderv1.OrderState_ORDER_STATE_UNSPECIFIED:
	case orderv1.OrderState_ORDER_STATE_PAID, orderv1.OrderState_ORDER_STATE_ASSEMBLING, orderv1.OrderState_ORDER_STATE_ASSEMBLED,
		orderv1.OrderState_ORDER_STATE_DELIVERING, orderv1.OrderState_ORDER_STATE_DELIVERED:
		want = o.GetTotal().GetMinorUnits()
	}
	if kept == want {
		return ""
	}
	return fmt.Sprintf("is %s, and %d cents of it are kept instead of %d", o.GetState(), kept, want)
}

func shipmentFinding(o *orderv1.Order, states []shippingv1.ShipmentState) string {
	if len(states) > 1 {
		return fmt.Sprintf("has %d shipments", len(states))
	}
	state := shippingv1.ShipmentState_SHIPMENT_STATE_UNSPECIFIED
	if len(states) == 1 {
		state = states[0]
	}
	switch o.GetState() {
	case orderv1.OrderState_ORDER_STATE_PENDING, orderv1.OrderState_ORDER_STATE_UNSPECIFIED:
		if len(states) > 0 {
			return "has a shipment without being paid"
		}
	case orderv1.OrderState_ORDER_STATE_CANCELLED:
		if len(states) > 0 && state != shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED && state != shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED {
			return fmt.Sprintf("is cancelled, and its shipment is %s", state)
		}
	case orderv1.OrderState_ORDER_STATE_DELIVERED:
		if state != shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED {
			return fmt.Sprintf("is delivered, and its shipment is %s", state)
		}
	case orderv1.OrderState_ORDER_STATE_PAID, orderv1.OrderState_ORDER_STATE_ASSEMBLING, orderv1.OrderState_ORDER_STATE_ASSEMBLED, orderv1.OrderState_ORDER_STATE_DELIVERING:
		if len(states) == 0 {
			return "is paid and has no shipment"
		}
		if state == shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED || state == shippingv1.ShipmentState_SHIPMENT_STATE_STOPPED {
			return fmt.Sprintf("is %s, and its shipment is %s", o.GetState(), state)
		}
	}
	return ""
}

func reservationFinding(o *orderv1.Order, state inventoryv1.ReservationState) string {
	open := state == inventoryv1.ReservationState_RESERVATION_STATE_OPEN
	switch o.GetState() {
	case orderv1.OrderState_ORDER_STATE_PENDING, orderv1.OrderState_ORDER_STATE_UNSPECIFIED:
	case orderv1.OrderState_ORDER_STATE_CANCELLED:
		if open {
			return "is cancelled and still holds stock"
		}
	case orderv1.OrderState_ORDER_STATE_DELIVERING, orderv1.OrderState_ORDER_STATE_DELIVERED:
		if state != inventoryv1.ReservationState_RESERVATION_STATE_CONSUMED {
			return fmt.Sprintf("has left the warehouse, and its reservation is %s", state)
		}
	case orderv1.OrderState_ORDER_STATE_PAID, orderv1.OrderState_ORDER_STATE_ASSEMBLING, orderv1.OrderState_ORDER_STATE_ASSEMBLED:
		if !open && state != inventoryv1.ReservationState_RESERVATION_STATE_CONSUMED {
			return fmt.Sprintf("is paid, and its reservation is %s", state)
		}
	}
	return ""
}

func (b books) eachOrder(ctx context.Context, look func(*orderv1.Order)) error {
	return pages(func(token string) (string, error) {
		res, err := b.orders.SearchOrders(ctx, &orderv1.SearchOrdersRequest{PageSize: pageSize, PageToken: token})
		for _, o := range res.GetOrders() {
			look(o)
		}
		return res.GetNextPageToken(), err
	})
}

// moneyOfOrders answers what is kept of each order's money.
func (b books) moneyOfOrders(ctx context.Context) (map[string]int64, error) {
	kept := make(map[string]int64)
	return kept, pages(func(token string) (string, error) {
		res, err := b.payments.ListPayments(ctx, &paymentv1.ListPaymentsRequest{PageSize: pageSize, PageToken: token})
		for _, p := range res.GetPayments() {
			kept[p.GetOrderId()] += p.GetCaptured().GetMinorUnits() - p.GetRefunded().GetMinorUnits()
		}
		return res.GetNextPageToken(), err
	})
}

func (b books) shipmentsOfOrders(ctx context.Context) (map[string][]shippingv1.ShipmentState, error) {
	states := make(map[string][]shippingv1.ShipmentState)
	return states, pages(func(token string) (string, error) {
		res, err := b.shipping.ListShipments(ctx, &shippingv1.ListShipmentsRequest{PageSize: pageSize, PageToken: token})
		for _, s := range res.GetShipments() {
			states[s.GetOrderId()] = append(states[s.GetOrderId()], s.GetState())
		}
		return res.GetNextPageToken(), err
	})
}

func (b books) reservationsOfOrders(ctx context.Context) (map[string]inventoryv1.ReservationState, error) {
	states := make(map[string]inventoryv1.ReservationState)
	return states, pages(func(token string) (string, error) {
		res, err := b.inventory.ListReservations(ctx, &inventoryv1.ListReservationsRequest{PageSize: pageSize, PageToken: token})
		for _, r := range res.GetReservations() {
			states[r.GetOrderId()] = r.GetState()
		}
		return res.GetNextPageToken(), err
	})
}

// pages reads page after page until there is none.
func pages(read func(token string) (next string, err error)) error {
	for token, first := "", true; first || token != ""; first = false {
		next, err := read(token)
		if err != nil {
			return err
		}
		token = next
	}
	return nil
}
