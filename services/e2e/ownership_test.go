package e2e_test

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// belongings are what a customer has, as the customer sees it.
type belongings struct {
	order     *orderv1.Order
	wallet    *paymentv1.Wallet
	addresses *userv1.ListAddressesResponse
	cards     *paymentv1.ListCardsResponse
	cart      *cartv1.Cart
	news      *notificationv1.ListNotificationsResponse
}

func look(ctx context.Context, t require.TestingT, p *shoptest.Person, orderID string) belongings {
	order, err := p.Orders.GetOrder(ctx, &orderv1.GetOrderRequest{Id: orderID})
	require.NoError(t, err)
	wallet, err := p.Payments.GetWallet(ctx, &paymentv1.GetWalletRequest{})
	require.NoError(t, err)
	addresses, err := p.Users.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	cards, err := p.Payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	cart, err := p.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{})
	require.NoError(t, err)
	news, err := p.Notifications.ListNotifications(ctx, &notificationv1.ListNotificationsRequest{})
	require.NoError(t, err)
	return belongings{order.GetOrder(), wallet.GetWallet(), addresses, cards, cart.GetCart(), news}
}

func (b belongings) requireEqual(t *testing.T, now belongings) {
	for _, pair := range [][2]proto.Message{
		{b.order, now.order}, {b.wallet, now.wallet}, {b.addresses, now.addresses}, {b.cards, now.cards}, {b.cart, now.cart}, {b.news, now.news},
	} {
		require.True(t, proto.Equal(pair[0], pair[1]), "it was %v and is %v", pair[0], pair[1])
	}
}

func TestWhatBelongsToSomebodyElseIsNotThere(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 20).GetId()

	owner := shop.Register(t)
	owner.TopUp(t, 5000)
	order := owner.Order(t, beer, 2, shoptest.Wallet()).GetId()
	awaitRest(t, owner, order)
	owner.Put(t, beer, 3)
	address, card := owner.SaveAddress(t), owner.SaveCard(t, shoptest.GoodCard)
	var before belongings
	require.EventuallyWithT(t, func(t *assert.CollectT) { // everything has arrived
		before = look(ctx, t, owner, order)
		require.Equal(t, stateName(rest()), before.news.GetNotifications()[0].GetState())
		require.Len(t, before.cart.GetItems(), 1)
	}, eventually, tick)

	thief := shop.Register(t)
	checkout := thief.Checkout(t, thief.Put(t, beer, 1), thief.SaveAddress(t), shoptest.Wallet())
	for name, attempt := range attempts(t, thief, order, address, card, checkout) {
		t.Run(name, func(t *testing.T) {
			err := attempt.call()
			requireRefused(t, err, connect.CodeNotFound, attempt.reason)
		})
	}
	t.Run("MergeCart", func(t *testing.T) { // takes tokens of guests, who have nothing to lose but the cart
		_, err := thief.CartCommands.MergeCart(t.Context(), &cartv1.MergeCartRequest{GuestToken: owner.Token})
		requireRefused(t, err, connect.CodeInvalidArgument, "GUEST_TOKEN_INVALID")
	})
	t.Run("lists", func(t *testing.T) { seesNothing(t, thief) })
	before.requireEqual(t, look(ctx, t, owner, order))
}

type attempt struct {
	reason string
	call   func() error
}

func attempts(t *testing.T, thief *shoptest.Person, order, address, card string, checkout *orderv1.PlaceOrderRequest) map[string]attempt {
	ctx := t.Context()
	place := func(change func(*orderv1.PlaceOrderRequest)) error {
		req := proto.CloneOf(checkout)
		change(req)
		return second(thief.Orders.PlaceOrder(ctx, req))
	}
	return map[string]attempt{
		"GetOrder": {"ORDER_NOT_FOUND", func() error {
			return second(thief.Orders.GetOrder(ctx, &orderv1.GetOrderRequest{Id: order}))
		}},
		"GetOrderTimeline": {"ORDER_NOT_FOUND", func() error {
			return second(thief.Orders.GetOrderTimeline(ctx, &orderv1.GetOrderTimelineRequest{Id: order}))
		}},
		"CancelOrder": {"ORDER_NOT_FOUND", func() error {
			return second(thief.Orders.CancelOrder(ctx, &orderv1.CancelOrderRequest{RequestId: shoptest.NewID(), Id: order}))
		}},
		"PlaceOrder to another's address": {"ADDRESS_NOT_FOUND", func() error {
			return place(func(r *orderv1.PlaceOrderRequest) { r.AddressId = address })
		}},
		"PlaceOrder with another's card": {"CARD_NOT_FOUND", func() error {
			return place(func(r *orderv1.PlaceOrderRequest) { r.Payment = shoptest.Card(card) })
		}},
		"GetShipment": {"SHIPMENT_NOT_FOUND", func() error {
			return second(thief.Shipping.GetShipment(ctx, &shippingv1.GetShipmentRequest{OrderId: order}))
		}},
		"TrackShipment": {"SHIPMENT_NOT_FOUND", func() error {
			stream, err := thief.Shipping.TrackShipment(ctx, &shippingv1.TrackShipmentRequest{OrderId: order})
			require.NoError(t, err)
			defer stream.Close()
			require.False(t, stream.Receive())
			return stream.Err()
		}},
		"UpdateAddress": {"ADDRESS_NOT_FOUND", func() error {
			return second(thief.Users.UpdateAddress(ctx, &userv1.UpdateAddressRequest{Id: address, Address: shoptest.Address()}))
		}},
		"DeleteAddress": {"ADDRESS_NOT_FOUND", func() error {
			return second(thief.Users.DeleteAddress(ctx, &userv1.DeleteAddressRequest{Id: address}))
		}},
		"DeleteCard": {"CARD_NOT_FOUND", func() error {
			return second(thief.Payments.DeleteCard(ctx, &paymentv1.DeleteCardRequest{Id: card}))
		}},
		"TopUpWallet": {"CARD_NOT_FOUND", func() error {
			return second(thief.Payments.TopUpWallet(ctx, &paymentv1.TopUpWalletRequest{RequestId: shoptest.NewID(), CardId: card, AmountMinorUnits: 1000}))
		}},
	}
}

// second drops an answer.
func second[T any](_ T, err error) error { return err }

// seesNothing looks through what has no id: the caller's own is shown, and only that.
func seesNothing(t *testing.T, thief *shoptest.Person) {
	ctx := t.Context()
	orders, err := thief.Orders.ListOrders(ctx, &orderv1.ListOrdersRequest{})
	require.NoError(t, err)
	require.Empty(t, orders.GetOrders())
	moves, err := thief.Payments.ListTransactions(ctx, &paymentv1.ListTransactionsRequest{})
	require.NoError(t, err)
	require.Empty(t, moves.GetTransactions())
	cards, err := thief.Payments.ListCards(ctx, &paymentv1.ListCardsRequest{})
	require.NoError(t, err)
	require.Empty(t, cards.GetCards())
	addresses, err := thief.Users.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Len(t, addresses.GetAddresses(), 1)
	cart, err := thief.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{})
	require.NoError(t, err)
	require.Equal(t, thief.ID, cart.GetCart().GetId())
	news, err := thief.Notifications.ListNotifications(ctx, &notificationv1.ListNotificationsRequest{})
	require.NoError(t, err)
	require.Empty(t, news.GetNotifications())
	_, err = thief.Notifications.MarkNotificationsRead(ctx, &notificationv1.MarkNotificationsReadRequest{UpToNumber: 1000})
	require.NoError(t, err)

	zero := int64(0)
	live, err := thief.Notifications.Subscribe(ctx, &notificationv1.SubscribeRequest{AfterNumber: &zero})
	require.NoError(t, err)
	defer live.Close()
	require.True(t, live.Receive(), live.Err())
	require.Zero(t, live.Msg().GetHeartbeat().GetLastNumber())
}
