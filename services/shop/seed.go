package shop

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/services/catalog/seed"
)

// openingStock names the delivery that a shop opens with: its request ids derive from it, so that it comes in once.
var openingStock = uuid.NewSHA1(uuid.NameSpaceURL, []byte("taproom:opening-stock"))

// atOnce is how many beers one call may name.
const atOnce = 100

// Seed fills a shop with the catalogue that comes with the binary, as staff would: through the API. Repeating it after a
// failure goes on where it stopped; beers that staff changed are set back, and stock comes in once.
func Seed(ctx context.Context, staff Caller) (*catalogv1.ImportBeersResponse, error) {
	data, err := seed.Load()
	if err != nil {
		return nil, err
	}
	admin := catalogv1connect.NewCatalogAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...)
	imported, err := admin.ImportBeers(ctx, importRequest(data))
	if err != nil {
		return nil, fmt.Errorf("importing the catalogue: %w", err)
	}
	if err := receiveStock(ctx, staff, data, imported.GetBeerIds()); err != nil {
		return nil, err
	}
	return imported, uploadPictures(ctx, staff, admin, data, imported.GetBeerIds())
}

func importRequest(data seed.Data) *catalogv1.ImportBeersRequest {
	req := &catalogv1.ImportBeersRequest{}
	for _, s := range data.Styles {
		req.Styles = append(req.Styles, &catalogv1.Style{
			Id: s.ID, Name: s.Name, Family: s.Family, Description: s.Description, AbvMin: s.ABVMin, AbvMax: s.ABVMax,
			IbuMin: int32(s.IBUMin), IbuMax: int32(s.IBUMax), SrmMin: s.SRMMin, SrmMax: s.SRMMax, //nolint:gosec // below 200
		})
	}
	for _, b := range data.Breweries {
		req.Breweries = append(req.Breweries, &catalogv1.Brewery{
			Id: b.ID, Name: b.Name, City: b.City, Country: b.Country, Founded: int32(b.Founded), Description: b.Description, //nolint:gosec // a year
		})
	}
	for _, b := range data.Beers {
		req.Beers = append(req.Beers, &catalogv1.BeerInput{
			Slug: b.Slug, Name: b.Name, BreweryId: b.Brewery, StyleId: b.Style, Description: b.Description, Abv: b.ABV,
			Ibu: int32(b.IBU), Srm: b.SRM, Format: formats[b.Format], VolumeMl: int32(b.VolumeML), //nolint:gosec // small
			PriceMinorUnits: int64(b.PriceCents), Category: b.Category, Tags: b.Tags,
		})
	}
	return req
}

var formats = map[string]catalogv1.Format{
	"BOTTLE": catalogv1.Format_FORMAT_BOTTLE, "CAN": catalogv1.Format_FORMAT_CAN, "KEG": catalogv1.Format_FORMAT_KEG,
}

// receiveStock takes the opening stock in for beers that never had any.
func receiveStock(ctx context.Context, staff Caller, data seed.Data, ids []string) error {
	stock, err := stockVersions(ctx, staff, ids)
	if err != nil {
		return err
	}
	req := &inventoryv1.AdjustStockRequest{
		RequestId: openingStock.String(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED, Note: "opening stock", Lot: "opening",
	}
	for i, beer := range data.Beers {
		if stock[ids[i]] == 0 {
			req.Adjustments = append(req.Adjustments, &inventoryv1.StockAdjustment{BeerId: ids[i], Delta: int32(beer.InitialStock)}) //nolint:gosec // hundreds
		}
	}
	if len(req.GetAdjustments()) == 0 {
		return nil
	}
	inventory := inventoryv1connect.NewInventoryAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...)
	if _, err := inventory.AdjustStock(ctx, req); err != nil {
		return fmt.Errorf("receiving the opening stock: %w", err)
	}
	return nil
}

// stockVersions answers how often the stock of each beer changed.
func stockVersions(ctx context.Context, staff Caller, ids []string) (map[string]int64, error) {
	inventory := inventoryv1connect.NewInventoryServiceClient(staff.HTTP, staff.URL, staff.Options()...)
	versions := make(map[string]int64, len(ids))
	for chunk := range slices.Chunk(ids, atOnce) {
		res, err := inventory.BatchGetStock(ctx, &inventoryv1.BatchGetStockRequest{BeerIds: chunk})
		if err != nil {
			return nil, fmt.Errorf("reading the stock: %w", err)
		}
		for _, s := range res.GetStock() {
			versions[s.GetBeerId()] = s.GetVersion()
		}
	}
	return versions, nil
}

// uploadPictures draws the pictures of beers that have none.
func uploadPictures(ctx context.Context, staff Caller, admin catalogv1connect.CatalogAdminServiceClient, data seed.Data, ids []string) error {
	styles, breweries := make(map[string]seed.Style), make(map[string]seed.Brewery)
	for _, s := range data.Styles {
		styles[s.ID] = s
	}
	for _, b := range data.Breweries {
		breweries[b.ID] = b
	}
	pictured, err := withPicture(ctx, staff, ids)
	if err != nil {
		return err
	}
	for i, beer := range data.Beers {
		if pictured[ids[i]] {
			continue
		}
		_, err := admin.UploadPicture(ctx, &catalogv1.UploadPictureRequest{
			BeerId: ids[i], ContentType: "image/svg+xml", Data: seed.Picture(beer, styles[beer.Style], breweries[beer.Brewery]),
		})
		if err != nil {
			return fmt.Errorf("uploading the picture of %s: %w", beer.Slug, err)
		}
	}
	return nil
}

func withPicture(ctx context.Context, staff Caller, ids []string) (map[string]bool, error) {
	catalog := catalogv1connect.NewCatalogServiceClient(staff.HTTP, staff.URL, staff.Options()...)
	pictured := make(map[string]bool, len(ids))
	for chunk := range slices.Chunk(ids, atOnce) {
		res, err := catalog.BatchGetBeers(ctx, &catalogv1.BatchGetBeersRequest{Ids: chunk})
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		for _, beer := range res.GetBeers() {
			pictured[beer.GetId()] = beer.GetPicturePath() != ""
		}
	}
	return pictured, nil
}
