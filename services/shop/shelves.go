package shop

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	"github.com/taproom-shop/taproom/services/catalog"
)

// demoNamespace is where the demo's request ids derive from: each of its steps happens once.
var demoNamespace = uuid.NewSHA1(uuid.NameSpaceDNS, []byte("demo.taproom.example"))

// atOnce is how many beers one call may name.
const atOnce = 100

// fillShelves fills an empty catalogue with the beers that come with the binary, and takes stock in for those of them that
// never had any.
func (d demo) fillShelves(ctx context.Context, staff Caller) error {
	seeded, err := catalog.Seed(ctx, d.catalogue)
	if err != nil {
		return err
	}
	for beers := range slices.Chunk(seeded.Beers, atOnce) {
		if err := takeStockIn(ctx, staff, beers); err != nil {
			return err
		}
	}
	return nil
}

func takeStockIn(ctx context.Context, staff Caller, beers []catalog.SeededBeer) error {
	ids := make([]string, len(beers))
	for i, beer := range beers {
		ids[i] = beer.ID
	}
	stock, err := inventoryv1connect.NewInventoryServiceClient(staff.HTTP, staff.URL, staff.Options()...).
		BatchGetStock(ctx, &inventoryv1.BatchGetStockRequest{BeerIds: ids})
	if err != nil {
		return fmt.Errorf("reading the stock: %w", err)
	}
	req := &inventoryv1.AdjustStockRequest{
		RequestId: uuid.NewSHA1(demoNamespace, []byte("stock of "+ids[0])).String(),
		Kind:      inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED, Note: "opening stock", Lot: "opening",
	}
	for i, beer := range beers {
		if stock.GetStock()[i].GetVersion() == 0 {
			req.Adjustments = append(req.Adjustments, &inventoryv1.StockAdjustment{BeerId: beer.ID, Delta: int32(beer.InitialStock)})
		}
	}
	if len(req.GetAdjustments()) == 0 {
		return nil
	}
	_, err = inventoryv1connect.NewInventoryAdminServiceClient(staff.HTTP, staff.URL, staff.Options()...).AdjustStock(ctx, req)
	if err != nil {
		return fmt.Errorf("taking the opening stock in: %w", err)
	}
	return nil
}
