package e2e_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1/shippingv1connect"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// world is what the scenario of a service needs: a shop whose every answer goes through one protocol.
type world struct {
	shop    *shoptest.Shop
	options []connect.ClientOption
	staff   *shoptest.Person
}

func (w world) register(t *testing.T) *shoptest.Person { return w.shop.Register(t, w.options...) }

// as is somebody whose token came from an answer.
func (w world) as(token string) *shoptest.Person { return w.shop.Anybody(token, w.options...) }

// scenarios go through all methods of a proto service, or of a customers' and a staff's one that belong together.
var scenarios = map[string]func(t *testing.T, w world){
	"user":         accounts,
	"user admin":   accountsForStaff,
	"catalog":      catalogue,
	"inventory":    stock,
	"cart":         carts,
	"order":        orders,
	"payment":      payments,
	"shipping":     shipments,
	"notification": notifications,
}

// Every method of the schema answers in every protocol, and, under the same request id, answers the same.
func TestEveryMethodAnswersInEveryProtocol(t *testing.T) {
	t.Parallel()
	shared := sharedShop(t)
	seen := newRecorder()
	t.Run("protocols", func(t *testing.T) {
		for _, p := range protocols() {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				shop := *shared
				shop.HTTP = p.http()
				for name, scenario := range scenarios {
					t.Run(name, func(t *testing.T) {
						options := append([]connect.ClientOption{connect.WithInterceptors(seen.in(p.name, sameAnswer(t)))}, p.options...)
						scenario(t, world{shop: &shop, options: options, staff: shop.Login(t, shop.Staff, options...)})
					})
				}
			})
		}
	})
	if t.Failed() {
		return // the scenarios say what is wrong
	}
	for _, m := range methods() {
		for _, p := range protocols() {
			if shoptest.Given() && m.procedure() == shippingv1connect.ShippingAdminServiceAdvanceShipmentProcedure {
				continue // the warehouse leaves nothing to do for it
			}
			require.True(t, !m.public() || seen.has(p.name, m), "no scenario calls %s by %s", m.procedure(), p.name)
		}
	}
}

// others make another request of one, for each method with a request id; nil where there is no other.
var others = map[string]func(req proto.Message){
	"taproom.cart.v1.CartCommandService.AddItem":        other(func(r *cartv1.AddItemRequest) { r.Quantity++ }),
	"taproom.cart.v1.CartCommandService.ChangeQuantity": other(func(r *cartv1.ChangeQuantityRequest) { r.Quantity++ }),
	"taproom.cart.v1.CartCommandService.RemoveItem":     other(func(r *cartv1.RemoveItemRequest) { r.BeerId = shoptest.NewID() }),
	"taproom.cart.v1.CartCommandService.ResetCart":      nil,
	"taproom.inventory.v1.InventoryAdminService.AdjustStock": other(func(r *inventoryv1.AdjustStockRequest) {
		r.Adjustments[0].Delta++
	}),
	"taproom.order.v1.OrderService.PlaceOrder":       other(func(r *orderv1.PlaceOrderRequest) { r.QuoteDigest += "0" }),
	"taproom.order.v1.OrderService.CancelOrder":      other(func(r *orderv1.CancelOrderRequest) { r.Id = shoptest.NewID() }),
	"taproom.order.v1.OrderAdminService.CancelOrder": other(func(r *orderv1.OrderAdminServiceCancelOrderRequest) { r.Recall = !r.Recall }),
	"taproom.payment.v1.PaymentService.TopUpWallet":  other(func(r *paymentv1.TopUpWalletRequest) { r.AmountMinorUnits++ }),
	"taproom.shipping.v1.ShippingAdminService.AdvanceShipment": other(func(r *shippingv1.AdvanceShipmentRequest) {
		r.To = shippingv1.ShipmentState_SHIPMENT_STATE_ASSEMBLING
	}),
}

func other[T proto.Message](change func(T)) func(proto.Message) {
	return func(req proto.Message) {
		if typed, ok := req.(T); ok {
			change(typed)
		}
	}
}

func TestOtherRequestsAreKnown(t *testing.T) {
	for _, m := range methods() {
		_, known := others[string(m.FullName())]
		require.Equal(t, m.public() && m.field("request_id") != nil, known, "%s: others says how another request under its id looks", m.FullName())
	}
}

// sameAnswer repeats a request that has an id: the same one is answered as before, in whatever case the id is written, and
// another one under its id is refused.
func sameAnswer(t *testing.T) func(send sender, req, res proto.Message, m protoreflect.MethodDescriptor) {
	return func(send sender, req, res proto.Message, m protoreflect.MethodDescriptor) {
		id := m.Input().Fields().ByName("request_id")
		if id == nil {
			return
		}
		again, err := send(req)
		require.NoError(t, err, "%s, repeated", m.FullName())
		require.True(t, proto.Equal(res, again), "%s answered %v, and %v when repeated", m.FullName(), res, again)
		change := others[string(m.FullName())]
		if change == nil {
			return
		}
		changed := proto.Clone(req)
		change(changed)
		_, err = send(changed)
		requireRefused(t, err, connect.CodeAlreadyExists, "REQUEST_ID_REUSED")
		loud := proto.Clone(changed)
		loud.ProtoReflect().Set(id, protoreflect.ValueOfString(strings.ToUpper(req.ProtoReflect().Get(id).String())))
		_, err = send(loud)
		requireRefused(t, err, connect.CodeAlreadyExists, "REQUEST_ID_REUSED")
	}
}
