package e2e_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func orders(t *testing.T, w world) {
	ctx, p := t.Context(), w.register(t)
	p.TopUp(t, 10_000)
	p.Put(t, w.shop.NewBeer(t, w.staff, 10).GetId(), 2)
	version := p.Put(t, w.shop.NewBeer(t, w.staff, 10).GetId(), 1)
	quote, err := p.Orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE", MinCartVersion: version})
	require.NoError(t, err)
	require.EqualValues(t, 3*250, quote.GetQuote().GetSubtotal().GetMinorUnits())
	total := quote.GetQuote().GetTotal().GetMinorUnits()
	require.Equal(t, 3*250+quote.GetQuote().GetShipping().GetMinorUnits(), total)

	placed, err := p.Orders.PlaceOrder(ctx, &orderv1.PlaceOrderRequest{
		RequestId: shoptest.NewID(), QuoteDigest: quote.GetQuote().GetDigest(), AddressId: p.SaveAddress(t), ShippingMethodId: "standard", Payment: shoptest.Wallet(),
	})
	require.NoError(t, err)
	require.Equal(t, orderv1.OrderState_ORDER_STATE_PENDING, placed.GetOrder().GetState())
	require.Equal(t, total, placed.GetOrder().GetTotal().GetMinorUnits())
	id := placed.GetOrder().GetId()
	awaitRest(t, p, id)
	got, err := p.Orders.GetOrder(ctx, &orderv1.GetOrderRequest{Id: id})
	require.NoError(t, err)
	require.Len(t, got.GetOrder().GetLines(), 2)
	list, err := p.Orders.ListOrders(ctx, &orderv1.ListOrdersRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{id}, mapped(list.GetOrders(), (*orderv1.Order).GetId))
	p.RequireWallet(t, 10_000-total)

	if shoptest.Given() {
		id = capturing(t, w, p)
	}
	cancel, err := p.Orders.CancelOrder(ctx, &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: id})
	require.NoError(t, err)
	require.Equal(t, !shoptest.Given(), cancel.GetOrder().GetCancelRequested(), "once it is paid, shipping decides")
	cancelled := p.Await(t, id, orderv1.OrderState_ORDER_STATE_CANCELLED)
	require.Equal(t, orderv1.CancelReason_CANCEL_REASON_CUSTOMER, cancelled.GetCancelReason())
	w.staff.AwaitPayment(t, id, paymentv1.PaymentState_PAYMENT_STATE_REFUNDED)
	steps := []string{"inventory.reserved", "order.cancelled"}
	if !shoptest.Given() {
		p.RequireWallet(t, 10_000)
		steps = append(steps, "payment.captured", "order.paid", "shipment.stopped")
	}
	timeline, err := p.Orders.GetOrderTimeline(ctx, &orderv1.GetOrderTimelineRequest{Id: id})
	require.NoError(t, err)
	types := mapped(timeline.GetEntries(), (*orderv1.TimelineEntry).GetType)
	require.Equal(t, "order.placed", types[0])
	require.Subset(t, types, steps)
	ordersForStaff(t, w, p)
}

// capturing orders something by a card that can't be charged at once, and answers the order while that is being tried: it can
// be cancelled, however quick the warehouse is.
func capturing(t *testing.T, w world, p *shoptest.Person) string {
	id := orderAgain(t, p, w.shop.NewBeer(t, w.staff, 1).GetId(), shoptest.Card(p.SaveCard(t, hesitatingCard)))
	w.staff.AwaitPayment(t, id, paymentv1.PaymentState_PAYMENT_STATE_CAPTURING)
	return id
}

func ordersForStaff(t *testing.T, w world, p *shoptest.Person) {
	ctx := t.Context()
	var id string
	state := orderv1.OrderState_ORDER_STATE_PENDING
	if shoptest.Given() {
		id = capturing(t, w, p)
	} else {
		id = p.Order(t, w.shop.NewBeer(t, w.staff, 1).GetId(), 1, shoptest.Wallet()).GetId()
		state = awaitRest(t, p, id).GetState()
	}
	found, err := w.staff.OrdersAdmin.SearchOrders(ctx, &orderv1.SearchOrdersRequest{UserId: p.ID, States: []orderv1.OrderState{state}})
	require.NoError(t, err)
	require.Equal(t, []string{id}, mapped(found.GetOrders(), (*orderv1.Order).GetId))
	cancel, err := w.staff.OrdersAdmin.CancelOrder(ctx, &orderv1.OrderAdminServiceCancelOrderRequest{
		RequestId: shoptest.NewID(), Id: id, Reason: orderv1.CancelReason_CANCEL_REASON_FRAUD,
	})
	require.NoError(t, err)
	require.Equal(t, id, cancel.GetOrder().GetId())
	require.Equal(t, orderv1.CancelReason_CANCEL_REASON_FRAUD, p.Await(t, id, orderv1.OrderState_ORDER_STATE_CANCELLED).GetCancelReason())
	rules, err := w.staff.OrdersAdmin.CheckInvariants(ctx, &orderv1.CheckInvariantsRequest{})
	require.NoError(t, err)
	requireUnbroken(t, rules.GetInvariants())
}

func payments(t *testing.T, w world) {
	ctx, p := t.Context(), w.register(t)
	card, err := p.Payments.SaveCard(ctx, &paymentv1.SaveCardRequest{Number: shoptest.GoodCard, ExpMonth: 7, ExpYear: 2090, Cvc: "123"})
	require.NoError(t, err)
	require.Equal(t, "4242", card.GetCard().GetLast4())
	cards, err := p.Payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{card.GetCard().GetId()}, mapped(cards.GetCards(), (*paymentv1.Card).GetId))
	filled, err := p.Payments.TopUpWallet(ctx, &paymentv1.TopUpWalletRequest{RequestId: shoptest.NewID(), CardId: card.GetCard().GetId(), AmountMinorUnits: 5000})
	require.NoError(t, err)
	require.EqualValues(t, 5000, filled.GetWallet().GetBalance().GetMinorUnits())
	_, err = p.Payments.DeleteCard(ctx, &paymentv1.DeleteCardRequest{Id: card.GetCard().GetId()})
	require.NoError(t, err)
	cards, err = p.Payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	require.Empty(t, cards.GetCards())

	order := p.Order(t, w.shop.NewBeer(t, w.staff, 5).GetId(), 4, shoptest.Wallet())
	total := order.GetTotal().GetMinorUnits()
	awaitRest(t, p, order.GetId())
	wallet, err := p.Payments.GetWallet(ctx, &paymentv1.GetWalletRequest{})
	require.NoError(t, err)
	require.Equal(t, 5000-total, wallet.GetWallet().GetBalance().GetMinorUnits(), "charged once, however often the top-up was repeated")
	moves, err := p.Payments.ListTransactions(ctx, &paymentv1.ListTransactionsRequest{})
	require.NoError(t, err)
	require.Equal(t, paymentv1.TransactionKind_TRANSACTION_KIND_CAPTURE, moves.GetTransactions()[0].GetKind(), "newest first")
	require.Equal(t, paymentv1.TransactionKind_TRANSACTION_KIND_TOP_UP, moves.GetTransactions()[len(moves.GetTransactions())-1].GetKind())

	listed, err := w.staff.PaymentsAdmin.ListPayments(ctx, &paymentv1.ListPaymentsRequest{OrderId: order.GetId()})
	require.NoError(t, err)
	require.Len(t, listed.GetPayments(), 1)
	require.Equal(t, total, listed.GetPayments()[0].GetCaptured().GetMinorUnits())
	balance, err := w.staff.PaymentsAdmin.GetTrialBalance(ctx, &paymentv1.GetTrialBalanceRequest{})
	require.NoError(t, err)
	require.True(t, balance.GetBalanced())
	require.NotEmpty(t, balance.GetBalances())
	rules, err := w.staff.PaymentsAdmin.CheckInvariants(ctx, &paymentv1.CheckInvariantsRequest{})
	require.NoError(t, err)
	requireUnbroken(t, rules.GetInvariants())
}

func shipments(t *testing.T, w world) {
	ctx, p := t.Context(), w.register(t)
	ways, err := w.as("").Shipping.ListShippingMethods(ctx, &shippingv1.ListShippingMethodsRequest{Country: "DE"})
	require.NoError(t, err)
	require.Contains(t, mapped(ways.GetMethods(), (*shippingv1.ShippingMethod).GetId), "standard")
	p.TopUp(t, 5000)
	order := p.Order(t, w.shop.NewBeer(t, w.staff, 5).GetId(), 1, shoptest.Wallet()).GetId()
	awaitRest(t, p, order)

	track, err := p.Shipping.TrackShipment(ctx, &shippingv1.TrackShipmentRequest{OrderId: order})
	require.NoError(t, err)
	defer track.Close()
	require.True(t, track.Receive(), track.Err())
	got, err := p.Shipping.GetShipment(ctx, &shippingv1.GetShipmentRequest{OrderId: order})
	require.NoError(t, err)
	require.Equal(t, p.ID, got.GetShipment().GetUserId())
	if !shoptest.Given() { // else nothing is left for staff to do
		require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING, track.Msg().GetShipment().GetState())
		packed, err := w.staff.ShippingAdmin.AdvanceShipment(ctx, &shippingv1.AdvanceShipmentRequest{
			RequestId: shoptest.NewID(), Id: got.GetShipment().GetId(), To: shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED,
		})
		require.NoError(t, err)
		require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLED, packed.GetShipment().GetState())
	}
	last := track.Msg().GetShipment()
	for track.Receive() { // until the parcel is there
		if shipment := track.Msg().GetShipment(); shipment != nil {
			require.Greater(t, shipment.GetVersion(), last.GetVersion())
			last = shipment
		}
	}
	require.NoError(t, track.Err())
	require.Equal(t, shippingv1.ShipmentState_SHIPMENT_STATE_DELIVERED, last.GetState())
	p.Await(t, order, orderv1.OrderState_ORDER_STATE_DELIVERED)
	require.Equal(t, shippingv1.CarriedBy_CARRIED_BY_COURIER, last.GetCarriage().GetCarriedBy())
	_, err = w.staff.ShippingAdmin.AdvanceShipment(ctx, &shippingv1.AdvanceShipmentRequest{
		RequestId: shoptest.NewID(), Id: last.GetId(), To: shippingv1.ShipmentState_SHIPMENT_STATE_RETURNED,
	})
	requireRefused(t, err, connect.CodeFailedPrecondition, "SHIPMENT_STATE_CONFLICT")

	listed, err := w.staff.ShippingAdmin.ListShipments(ctx, &shippingv1.ListShipmentsRequest{OrderId: order})
	require.NoError(t, err)
	require.Equal(t, []string{last.GetId()}, mapped(listed.GetShipments(), (*shippingv1.Shipment).GetId))
	rules, err := w.staff.ShippingAdmin.CheckInvariants(ctx, &shippingv1.CheckInvariantsRequest{})
	require.NoError(t, err)
	requireUnbroken(t, rules.GetInvariants())
}

// stateName is how notifications name a state.
func stateName(state orderv1.OrderState) string {
	return strings.TrimPrefix(state.String(), "ORDER_STATE_")
}

func notifications(t *testing.T, w world) {
	ctx, p := t.Context(), w.register(t)
	live, err := p.Notifications.Subscribe(ctx, &notificationv1.SubscribeRequest{Topics: []notificationv1.Topic{notificationv1.Topic_TOPIC_ORDER}})
	require.NoError(t, err)
	defer live.Close()
	require.True(t, live.Receive(), live.Err())
	require.NotNil(t, live.Msg().GetHeartbeat(), "a heartbeat says that the stream stands")
	p.TopUp(t, 5000)
	order := p.Order(t, w.shop.NewBeer(t, w.staff, 5).GetId(), 1, shoptest.Wallet()).GetId()
	var last *notificationv1.Notification
	for last.GetState() != stateName(rest()) {
		require.True(t, live.Receive(), live.Err())
		if news := live.Msg().GetNotification(); news != nil {
			require.Equal(t, last.GetNumber()+1, news.GetNumber(), "no gaps")
			require.Equal(t, order, news.GetSubjectId())
			last = news
		}
	}
	kept, err := p.Notifications.ListNotifications(ctx, &notificationv1.ListNotificationsRequest{})
	require.NoError(t, err)
	require.Equal(t, last.GetNumber(), kept.GetNotifications()[0].GetNumber(), "newest first")
	require.Equal(t, last.GetNumber(), kept.GetUnreadCount())
	read, err := p.Notifications.MarkNotificationsRead(ctx, &notificationv1.MarkNotificationsReadRequest{UpToNumber: last.GetNumber() - 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, read.GetUnreadCount())
}
