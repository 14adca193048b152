package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// postJSON calls a method with the fields given, as staff, who may call them all.
func postJSON(t *testing.T, shop *shoptest.Shop, staff *shoptest.Person, m method, fields map[string]any) rawAnswer {
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	return post(t, shop, m.procedure(), body, bearer(staff.Token)...)
}

// notIDs are fields that end like ids of the shop and are words.
var notIDs = []protoreflect.Name{"shipping_method_id"}

// Every field of every request that names something by its id is looked at before anything is done.
func TestMalformedIDs(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff, tried := shop.Login(t, shop.Staff), 0
	for _, m := range methods() {
		for i := range m.Input().Fields().Len() {
			field := m.Input().Fields().Get(i)
			name := strings.TrimSuffix(string(field.Name()), "s")
			isID := name == "id" || strings.HasSuffix(name, "_id")
			if !m.public() || m.IsStreamingServer() || !isID || field.Kind() != protoreflect.StringKind || slices.Contains(notIDs, field.Name()) {
				continue
			}
			tried++
			for _, bad := range []string{"x", "00000000-0000-0000-0000-00000000000", "' OR 1=1 --", "../../etc/passwd", strings.Repeat("0", 1000)} {
				value, path := any(bad), string(field.Name())
				if field.IsList() {
					value, path = []string{bad}, path+"[0]"
				}
				answer := postJSON(t, shop, staff, m, map[string]any{string(field.Name()): value})
				require.Equal(t, "invalid_argument VALIDATION_FAILED", answer.Code+" "+answer.reason(t), "%s %s", m.FullName(), answer.body)
				require.Contains(t, answer.fields(t), path, "%s %s", m.FullName(), answer.body)
			}
		}
	}
	require.Greater(t, tried, 15)
}

// Lists are bounded, and the place in a list is theirs to make.
func TestPages(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff, tried := shop.Login(t, shop.Staff), 0
	foreign := func(keyset string) string { return base64.RawURLEncoding.EncodeToString([]byte(keyset)) }
	for _, m := range methods() {
		if m.field("page_token") == nil || !m.public() {
			continue
		}
		tried++
		for _, size := range []int64{101, -1, math.MaxInt32, math.MinInt32} {
			answer := postJSON(t, shop, staff, m, map[string]any{"page_size": size})
			require.Equal(t, "invalid_argument VALIDATION_FAILED", answer.Code+" "+answer.reason(t), "%s %s", m.FullName(), answer.body)
			require.Contains(t, answer.fields(t), "page_size", "%s", m.FullName())
		}
		request := map[string]any{}
		if m.field("user_id") != nil {
			request["user_id"] = staff.ID
		}
		for _, token := range []string{"!", "garbage", foreign(`{"it":"is of another list"}`), foreign(`[[[`), foreign(`null null`), "' OR 1=1 --"} {
			request["page_token"] = token
			answer := postJSON(t, shop, staff, m, request)
			require.Equal(t, "invalid_argument PAGE_TOKEN_INVALID", answer.Code+" "+answer.reason(t), "%s %q %s", m.FullName(), token, answer.body)
		}
		request["page_token"] = strings.Repeat("A", 2000)
		answer := postJSON(t, shop, staff, m, request)
		require.Equal(t, "invalid_argument VALIDATION_FAILED", answer.Code+" "+answer.reason(t), "%s", m.FullName())
	}
	require.Greater(t, tried, 8)
}

// Words that mean something to databases, shells and people are looked for like others.
func TestSearchesForAnything(t *testing.T) {
	t.Parallel()
	catalog := sharedShop(t).Anybody("").Catalog
	for _, query := range []string{
		`"`, `""`, `'`, `*`, `a*`, `-`, `- -`, `AND`, `a AND`, `OR OR`, `NOT`, `NEAR(`, `NEAR/2`, `(`, `)`, `{a b}`, `^a`, `a:b`, `name:ipa`, `+`, `\`, `%`, `_`, `;`, `--`,
		"\x01", "\t\n", "🍺", "ΑΒΓ", "ﬁ", "e\u0301", "\u202e", strings.Repeat("a ", 100), strings.Repeat("é", 200), `<script>`, `' OR '1'='1`,
	} {
		for _, sort := range []catalogv1.BeerSort{catalogv1.BeerSort_BEER_SORT_UNSPECIFIED, catalogv1.BeerSort_BEER_SORT_PRICE_ASC} {
			_, err := catalog.ListBeers(t.Context(), &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: query}, Sort: sort})
			require.NoError(t, err, "%q", query)
		}
	}
	for _, query := range []string{strings.Repeat("é", 201), "a\x00b"} {
		_, err := catalog.ListBeers(t.Context(), &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: query}})
		requireRefused(t, err, connect.CodeInvalidArgument, "VALIDATION_FAILED")
	}
}

func TestWhatCanNotBeIsRefused(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	sold, gone := shop.NewBeer(t, staff, 5).GetId(), shop.NewBeer(t, staff, 5).GetId()
	_, err := staff.CatalogAdmin.ArchiveBeer(ctx, &catalogv1.ArchiveBeerRequest{Id: gone})
	require.NoError(t, err)
	p := shop.Register(t)
	version, card := p.Put(t, sold, 990), p.SaveCard(t, shoptest.GoodCard)

	add := func(beer string, units int32) error {
		return second(p.CartCommands.AddItem(ctx, &cartv1.AddItemRequest{RequestId: shoptest.NewID(), BeerId: beer, Quantity: units}))
	}
	change := func(beer string, units int32) error {
		return second(p.CartCommands.ChangeQuantity(ctx, &cartv1.ChangeQuantityRequest{RequestId: shoptest.NewID(), BeerId: beer, Quantity: units}))
	}
	rename := func(name string) error {
		return second(p.Users.UpdateProfile(ctx, &userv1.UpdateProfileRequest{DisplayName: name}))
	}
	topUp := func(cents int64) error {
		return second(p.Payments.TopUpWallet(ctx, &paymentv1.TopUpWalletRequest{RequestId: shoptest.NewID(), CardId: card, AmountMinorUnits: cents}))
	}
	move := func(change func(*typev1.Address)) error {
		a := shoptest.Address()
		change(a)
		return second(p.Users.CreateAddress(ctx, &userv1.CreateAddressRequest{Address: a}))
	}
	save := func(number string, year int32) error {
		return second(p.Payments.SaveCard(ctx, &paymentv1.SaveCardRequest{Number: number, ExpMonth: 1, ExpYear: year, Cvc: "123"}))
	}
	quote := func(way, country string) error {
		return second(p.Orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{ShippingMethodId: way, Country: country, MinCartVersion: version}))
	}
	adjust := func(kind inventoryv1.MovementKind, lines ...*inventoryv1.StockAdjustment) error {
		return second(staff.InventoryAdmin.AdjustStock(ctx, &inventoryv1.AdjustStockRequest{RequestId: shoptest.NewID(), Kind: kind, Adjustments: lines}))
	}
	line := func(delta int32) *inventoryv1.StockAdjustment {
		return &inventoryv1.StockAdjustment{BeerId: sold, Delta: delta}
	}
	const (
		received  = inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED
		adjusted  = inventoryv1.MovementKind_MOVEMENT_KIND_ADJUSTED
		shipped   = inventoryv1.MovementKind_MOVEMENT_KIND_SHIPPED
		invalid   = "invalid_argument VALIDATION_FAILED"
		forbidden = "failed_precondition "
	)
	for name, c := range map[string]struct {
		err     error
		refused string
	}{
		"no units":                      {add(sold, 0), invalid},
		"fewer than none":               {add(sold, -1), invalid},
		"1000 units":                    {add(sold, 1000), invalid},
		"as many as can be written":     {add(sold, math.MaxInt32), invalid},
		"more than a line may have":     {add(sold, 10), forbidden + "QUANTITY_TOO_LARGE"},
		"an unknown beer":               {add(shoptest.NewID(), 1), "not_found BEER_NOT_FOUND"},
		"an archived beer":              {add(gone, 1), forbidden + "BEER_ARCHIVED"},
		"change to nothing":             {change(sold, 0), invalid},
		"change what is not there":      {change(gone, 1), "not_found ITEM_NOT_FOUND"},
		"a long name":                   {rename(strings.Repeat("é", 61)), invalid},
		"a very long name":              {rename(strings.Repeat("e", 100_000)), invalid},
		"a name of control characters":  {rename("a\x00b"), invalid},
		"a name of two lines":           {rename("a\nb"), invalid},
		"no name":                       {rename(""), invalid},
		"a blank name":                  {rename(" \u00a0\u2003"), "invalid_argument DISPLAY_NAME_BLANK"},
		"a top-up of nothing":           {topUp(0), invalid},
		"a top-up that takes":           {topUp(-1000), invalid},
		"a cent too much":               {topUp(100_001), invalid},
		"all the money in the world":    {topUp(math.MaxInt64), invalid},
		"a card whose check digit errs": {save("4242424242424241", 2099), "invalid_argument CARD_INVALID"},
		"a card of letters":             {save("4242-4242-4242-4242", 2099), invalid},
		"a card of the past":            {save(shoptest.GoodCard, 2020), "invalid_argument CARD_INVALID"},
		"a country that is none":        {move(func(a *typev1.Address) { a.Country = "Germany" }), invalid},
		"nobody's address":              {move(func(a *typev1.Address) { a.Recipient = "" }), invalid},
		"a long street":                 {move(func(a *typev1.Address) { a.Street = strings.Repeat("x", 201) }), invalid},
		"a street with a NUL":           {move(func(a *typev1.Address) { a.Street = "Malt\x00 Street" }), invalid},
		"a strange postal code":         {move(func(a *typev1.Address) { a.PostalCode = "24103;" }), invalid},
		"an unknown way":                {quote("teleport", "DE"), forbidden + "SHIPPING_METHOD_NOT_FOUND"},
		"a country far away":            {quote("standard", "AQ"), forbidden + "COUNTRY_NOT_SERVED"},
		"a country in small letters":    {quote("standard", "de"), invalid},
		"goods that go":                 {adjust(received, line(-1)), "invalid_argument DELTA_NEGATIVE"},
		"no change of stock":            {adjust(adjusted, line(0)), invalid},
		"more than there is":            {adjust(adjusted, line(-6)), forbidden + "STOCK_BELOW_RESERVED"},
		"a beer in two lines":           {adjust(received, line(1), line(1)), "invalid_argument BEER_REPEATED"},
		"one good line, one bad":        {adjust(adjusted, &inventoryv1.StockAdjustment{BeerId: gone, Delta: 1}, line(-6)), forbidden + "STOCK_BELOW_RESERVED"},
		"a kind that staff don't have":  {adjust(shipped, line(1)), invalid},
		"no lines":                      {adjust(received), invalid},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, c.err)
			reason, _ := shoptest.Reason(c.err)
			require.Equal(t, c.refused, connect.CodeOf(c.err).String()+" "+reason, "%v", c.err)
		})
	}

	cart, err := p.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{})
	require.NoError(t, err)
	require.Equal(t, version, cart.GetCart().GetVersion(), "nothing happened to the cart")
	p.RequireWallet(t, 0)
	require.EqualValues(t, 5, p.Stock(t, sold))
	require.EqualValues(t, 5, p.Stock(t, gone))
	addresses, err := p.Users.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Empty(t, addresses.GetAddresses())
}
