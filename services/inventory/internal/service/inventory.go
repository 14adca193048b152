// Package service answers the inventory service's remote calls.
package service

import (
	"context"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

// Inventory answers InventoryService: what everybody may know of the stock.
type Inventory struct{ store *store.Store }

// NewInventory returns the handler.
func NewInventory(store *store.Store) *Inventory { return &Inventory{store: store} }

// GetStock answers what can be ordered of a beer.
func (i *Inventory) GetStock(ctx context.Context, req *inventoryv1.GetStockRequest) (*inventoryv1.GetStockResponse, error) {
	stock, err := i.store.Stock(ctx, []string{req.GetBeerId()})
	if err != nil {
		return nil, err
	}
	return &inventoryv1.GetStockResponse{Stock: stockToProto(stock[0])}, nil
}

// BatchGetStock answers what can be ordered of many beers.
func (i *Inventory) BatchGetStock(ctx context.Context, req *inventoryv1.BatchGetStockRequest) (*inventoryv1.BatchGetStockResponse, error) {
	stock, err := i.store.Stock(ctx, req.GetBeerIds())
	if err != nil {
		return nil, err
	}
	res := &inventoryv1.BatchGetStockResponse{Stock: make([]*inventoryv1.Stock, len(stock))}
	for n, s := range stock {
		res.Stock[n] = stockToProto(s)
	}
	return res, nil
}
