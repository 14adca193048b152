package e2e_test

import (
	"bytes"
	"crypto/rand"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func catalogue(t *testing.T, w world) {
	ctx, anybody, staff := t.Context(), w.as("").Catalog, w.staff.CatalogAdmin
	styles, err := anybody.ListStyles(ctx, &catalogv1.ListStylesRequest{})
	require.NoError(t, err)
	require.IsIncreasing(t, mapped(styles.GetStyles(), (*catalogv1.Style).GetName))
	breweries, err := anybody.ListBreweries(ctx, &catalogv1.ListBreweriesRequest{})
	require.NoError(t, err)
	require.NotEmpty(t, breweries.GetBreweries())

	name := "Zwickel" + strings.ToLower(rand.Text())
	input := &catalogv1.BeerInput{
		Slug: strings.ToLower(name), Name: name, BreweryId: breweries.GetBreweries()[0].GetId(), StyleId: styles.GetStyles()[0].GetId(),
		Abv: 5.2, Ibu: 22, Srm: 5, Format: catalogv1.Format_FORMAT_BOTTLE, VolumeMl: 500, PriceMinorUnits: 310, Category: "craft", Tags: []string{"unfiltered"},
	}
	created, err := staff.CreateBeer(ctx, &catalogv1.CreateBeerRequest{Beer: input})
	require.NoError(t, err)
	require.EqualValues(t, 310, created.GetBeer().GetPrice().GetMinorUnits())
	id := created.GetBeer().GetId()

	input.PriceMinorUnits = 290
	updated, err := staff.UpdateBeer(ctx, &catalogv1.UpdateBeerRequest{
		Id: id, Beer: input, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"price_minor_units"}}, ExpectedVersion: created.GetBeer().GetVersion(),
	})
	require.NoError(t, err)
	require.EqualValues(t, 290, updated.GetBeer().GetPrice().GetMinorUnits())
	input.Description = "Cloudy."
	imported, err := staff.ImportBeers(ctx, &catalogv1.ImportBeersRequest{Beers: []*catalogv1.BeerInput{input}})
	require.NoError(t, err)
	require.Equal(t, []string{id}, imported.GetBeerIds())
	require.EqualValues(t, 1, imported.GetUpdated())
	hung(t, w, id)

	got, err := anybody.GetBeer(ctx, &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Slug{Slug: input.GetSlug()}})
	require.NoError(t, err)
	require.Equal(t, id, got.GetBeer().GetId())
	require.Equal(t, "Cloudy.", got.GetBeer().GetDescription())
	batch, err := anybody.BatchGetBeers(ctx, &catalogv1.BatchGetBeersRequest{Ids: []string{shoptest.NewID(), id}})
	require.NoError(t, err)
	require.Equal(t, []string{id}, mapped(batch.GetBeers(), (*catalogv1.Beer).GetId))

	search := &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: name}}
	found, err := anybody.ListBeers(ctx, search)
	require.NoError(t, err)
	require.Equal(t, []string{id}, mapped(found.GetBeers(), (*catalogv1.Beer).GetId))
	require.EqualValues(t, 1, found.GetTotalSize())
	require.NotEmpty(t, found.GetFacets())
	archived, err := staff.ArchiveBeer(ctx, &catalogv1.ArchiveBeerRequest{Id: id})
	require.NoError(t, err)
	require.True(t, archived.GetBeer().GetArchived())
	found, err = anybody.ListBeers(ctx, search)
	require.NoError(t, err)
	require.Empty(t, found.GetBeers(), "what is archived is not offered")
}

// hung has staff hang a picture of a beer, and fetches it as a browser does.
func hung(t *testing.T, w world, beerID string) {
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 40))))
	res, err := w.staff.CatalogAdmin.UploadPicture(t.Context(), &catalogv1.UploadPictureRequest{BeerId: beerID, ContentType: "image/png", Data: picture.Bytes()})
	require.NoError(t, err)
	answer := get(t, w.shop, res.GetBeer().GetPicturePath())
	require.Equal(t, http.StatusOK, answer.status)
	require.Equal(t, "image/png", answer.header.Get("Content-Type"))
	require.Equal(t, picture.Bytes(), answer.body)
}

func stock(t *testing.T, w world) {
	ctx := t.Context()
	one, two := w.shop.NewBeer(t, w.staff, 0).GetId(), w.shop.NewBeer(t, w.staff, 7).GetId()
	adjusted, err := w.staff.InventoryAdmin.AdjustStock(ctx, &inventoryv1.AdjustStockRequest{
		RequestId: shoptest.NewID(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_ADJUSTED, Note: "counted",
		Adjustments: []*inventoryv1.StockAdjustment{{BeerId: one, Delta: 5}, {BeerId: two, Delta: -2}},
	})
	require.NoError(t, err)
	require.Equal(t, []int32{5, 5}, mapped(adjusted.GetStock(), (*inventoryv1.Stock).GetAvailable))

	got, err := w.as("").Inventory.GetStock(ctx, &inventoryv1.GetStockRequest{BeerId: one})
	require.NoError(t, err)
	require.EqualValues(t, 5, got.GetStock().GetAvailable())
	batch, err := w.as("").Inventory.BatchGetStock(ctx, &inventoryv1.BatchGetStockRequest{BeerIds: []string{two, shoptest.NewID(), one}})
	require.NoError(t, err)
	require.Equal(t, []int32{5, 0, 5}, mapped(batch.GetStock(), (*inventoryv1.Stock).GetAvailable))

	movements, err := w.staff.InventoryAdmin.ListMovements(ctx, &inventoryv1.ListMovementsRequest{BeerId: two})
	require.NoError(t, err)
	require.Equal(t, []int32{-2, 7}, mapped(movements.GetMovements(), (*inventoryv1.Movement).GetQuantity), "newest first")
	require.Equal(t, w.staff.ID, movements.GetMovements()[0].GetActorId())

	p := w.register(t)
	p.TopUp(t, 5000)
	order := p.Order(t, one, 3, shoptest.Wallet())
	awaitRest(t, p, order.GetId())
	reserved, err := w.staff.InventoryAdmin.ListReservations(ctx, &inventoryv1.ListReservationsRequest{OrderId: order.GetId()})
	require.NoError(t, err)
	require.Len(t, reserved.GetReservations(), 1)
	require.EqualValues(t, 3, reserved.GetReservations()[0].GetQuantity())
	state := inventoryv1.ReservationState_RESERVATION_STATE_OPEN
	if shoptest.Given() {
		state = inventoryv1.ReservationState_RESERVATION_STATE_CONSUMED
	}
	require.Equal(t, state, reserved.GetReservations()[0].GetState())
	require.EqualValues(t, 2, p.Stock(t, one))
	rules, err := w.staff.InventoryAdmin.CheckInvariants(ctx, &inventoryv1.CheckInvariantsRequest{})
	require.NoError(t, err)
	requireUnbroken(t, rules.GetInvariants())
}

// requireUnbroken fails the test if a rule is broken, or there is none. While others use the shop, some may be pending.
func requireUnbroken(t *testing.T, rules []*typev1.Invariant) {
	require.NotEmpty(t, rules)
	for _, rule := range rules {
		require.NotEqual(t, typev1.InvariantStatus_INVARIANT_STATUS_BROKEN, rule.GetStatus(), rule)
		require.NotEqual(t, typev1.InvariantStatus_INVARIANT_STATUS_UNSPECIFIED, rule.GetStatus(), rule)
	}
}

func carts(t *testing.T, w world) {
	ctx := t.Context()
	guest := w.shop.Guest(t, w.options...)
	one, two := w.shop.NewBeer(t, w.staff, 0).GetId(), w.shop.NewBeer(t, w.staff, 0).GetId()
	watch, err := guest.CartQueries.WatchCart(ctx, &cartv1.WatchCartRequest{})
	require.NoError(t, err)
	defer watch.Close()
	require.True(t, watch.Receive(), watch.Err())
	require.Zero(t, watch.Msg().GetCart().GetVersion())

	added, err := guest.CartCommands.AddItem(ctx, &cartv1.AddItemRequest{RequestId: shoptest.NewID(), BeerId: one, Quantity: 2})
	require.NoError(t, err)
	require.EqualValues(t, 1, added.GetCart().GetVersion(), "the repetition that followed counts for nothing")
	guest.Put(t, two, 1)
	changed, err := guest.CartCommands.ChangeQuantity(ctx, &cartv1.ChangeQuantityRequest{RequestId: shoptest.NewID(), BeerId: one, Quantity: 6})
	require.NoError(t, err)
	require.EqualValues(t, 6, changed.GetCart().GetItems()[0].GetQuantity())
	removed, err := guest.CartCommands.RemoveItem(ctx, &cartv1.RemoveItemRequest{RequestId: shoptest.NewID(), BeerId: two})
	require.NoError(t, err)
	require.Len(t, removed.GetCart().GetItems(), 1)
	for watch.Msg().GetCart().GetVersion() < removed.GetCart().GetVersion() {
		require.True(t, watch.Receive(), watch.Err())
	}
	require.Equal(t, []string{one}, mapped(watch.Msg().GetCart().GetItems(), (*cartv1.CartItem).GetBeerId))

	got, err := guest.CartQueries.GetCart(ctx, &cartv1.GetCartRequest{MinVersion: removed.GetCart().GetVersion()})
	require.NoError(t, err)
	require.Equal(t, guest.ID, got.GetCart().GetId())
	require.Len(t, got.GetCart().GetItems(), 1)
	events, err := guest.CartQueries.ListCartEvents(ctx, &cartv1.ListCartEventsRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{"item_added", "item_added", "quantity_changed", "item_removed"}, mapped(events.GetEvents(), (*cartv1.CartHistoryEntry).GetType))

	p := w.register(t)
	merged, err := p.CartCommands.MergeCart(ctx, &cartv1.MergeCartRequest{GuestToken: guest.Token})
	require.NoError(t, err)
	require.EqualValues(t, 6, merged.GetCart().GetItems()[0].GetQuantity())
	again, err := p.CartCommands.MergeCart(ctx, &cartv1.MergeCartRequest{GuestToken: guest.Token})
	require.NoError(t, err)
	require.EqualValues(t, 6, again.GetCart().GetItems()[0].GetQuantity(), "a guest's cart is taken in once")
	reset, err := p.CartCommands.ResetCart(ctx, &cartv1.ResetCartRequest{RequestId: shoptest.NewID()})
	require.NoError(t, err)
	require.Empty(t, reset.GetCart().GetItems())
}

func mapped[T, R any](values []T, f func(T) R) []R {
	out := make([]R, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}
