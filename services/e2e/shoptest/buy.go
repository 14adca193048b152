package shoptest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
)

// GoodCard is the test card that is always approved.
const GoodCard = "4242424242424242"

// NewBeer has staff create a beer with so many units in stock.
func (s *Shop) NewBeer(t testing.TB, staff *Person, units int32) *catalogv1.Beer {
	styles, err := staff.Catalog.ListStyles(t.Context(), &catalogv1.ListStylesRequest{})
	require.NoError(t, err)
	breweries, err := staff.Catalog.ListBreweries(t.Context(), &catalogv1.ListBreweriesRequest{})
	require.NoError(t, err)
	res, err := staff.CatalogAdmin.CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{Beer: &catalogv1.BeerInput{
		Slug: "test-" + NewID(), Name: "Test Pale", BreweryId: breweries.GetBreweries()[0].GetId(), StyleId: styles.GetStyles()[0].GetId(),
		Description: "Made for a test.", Abv: 5, Ibu: 30, Srm: 6, Format: catalogv1.Format_FORMAT_CAN, VolumeMl: 330, PriceMinorUnits: 250, Category: "craft",
	}})
	require.NoError(t, err)
	if units > 0 {
		_, err = staff.InventoryAdmin.AdjustStock(t.Context(), &inventoryv1.AdjustStockRequest{
			RequestId: NewID(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED,
			Adjustments: []*inventoryv1.StockAdjustment{{BeerId: res.GetBeer().GetId(), Delta: units}},
		})
		require.NoError(t, err)
	}
	return res.GetBeer()
}

// SaveCard saves a card and answers its id.
func (p *Person) SaveCard(t testing.TB, number string) string {
	res, err := p.Payments.SaveCard(t.Context(), &paymentv1.SaveCardRequest{Number: number, ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
	require.NoError(t, err)
	return res.GetCard().GetId()
}

// TopUp puts cents into the wallet.
func (p *Person) TopUp(t testing.TB, cents int64) {
	_, err := p.Payments.TopUpWallet(t.Context(), &paymentv1.TopUpWalletRequest{
		RequestId: NewID(), CardId: p.SaveCard(t, GoodCard), AmountMinorUnits: cents,
	})
	require.NoError(t, err)
}

// SaveAddress saves an address and answers its id.
func (p *Person) SaveAddress(t testing.TB) string {
	res, err := p.Users.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: Address()})
	require.NoError(t, err)
	return res.GetAddress().GetId()
}

// Put puts units of a beer into the cart and answers the cart's version.
func (p *Person) Put(t testing.TB, beerID string, units int32) int64 {
	res, err := p.CartCommands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: NewID(), BeerId: beerID, Quantity: units})
	require.NoError(t, err)
	return res.GetCart().GetVersion()
}

// Wallet pays from the wallet.
func Wallet() *orderv1.PaymentMethod {
	return &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}}
}

// Card pays with a saved card.
func Card(id string) *orderv1.PaymentMethod {
	return &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_CardId{CardId: id}}
}

// Checkout quotes the cart at a version and answers the request that orders it.
func (p *Person) Checkout(t testing.TB, cartVersion int64, addressID string, payment *orderv1.PaymentMethod) *orderv1.PlaceOrderRequest {
	quote, err := p.Orders.QuoteOrder(t.Context(), &orderv1.QuoteOrderRequest{ShippingMethodId: "standard", Country: "DE", MinCartVersion: cartVersion})
	require.NoError(t, err)
	return &orderv1.PlaceOrderRequest{
		RequestId: NewID(), QuoteDigest: quote.GetQuote().GetDigest(), AddressId: addressID, ShippingMethodId: "standard", Payment: payment,
	}
}

// Order buys units of a beer and answers the order as placed.
func (p *Person) Order(t testing.TB, beerID string, units int32, payment *orderv1.PaymentMethod) *orderv1.Order {
	res, err := p.Orders.PlaceOrder(t.Context(), p.Checkout(t, p.Put(t, beerID, units), p.SaveAddress(t), payment))
	require.NoError(t, err)
	return res.GetOrder()
}

// Await waits until the order is in a state and answers it.
func (p *Person) Await(t testing.TB, orderID string, state orderv1.OrderState) *orderv1.Order {
	var order *orderv1.Order
	require.Eventually(t, func() bool {
		res, err := p.Orders.GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: orderID})
		if err == nil {
			order = res.GetOrder()
		}
		return order.GetState() == state
	}, 60*time.Second, 20*time.Millisecond, "the order does not become %s: %v", state, order)
	return order
}
