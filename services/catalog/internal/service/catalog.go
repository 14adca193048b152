// Package service answers the catalogue's RPCs and serves its pictures.
package service

import (
	"context"

	"google.golang.org/protobuf/proto"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/internal/cache"
)

// Catalog is the CatalogService: everything is read through the cache, whose keys are the kind of question and the whole
// request.
type Catalog struct {
	store *store.Store
	cache *cache.Cache
}

// NewCatalog returns the CatalogService.
func NewCatalog(s *store.Store, c *cache.Cache) *Catalog {
	return &Catalog{store: s, cache: c}
}

// GetBeer returns one beer by id or slug.
func (c *Catalog) GetBeer(ctx context.Context, req *catalogv1.GetBeerRequest) (*catalogv1.GetBeerResponse, error) {
	key, find, name := "slug/", c.store.BeerBySlug, req.GetSlug()
	if id := req.GetId(); id != "" {
		key, find, name = "id/", c.store.Beer, id
	}
	return cache.Load(ctx, c.cache, key+name, func(ctx context.Context) (*catalogv1.GetBeerResponse, error) {
		beer, err := find(ctx, name)
		if err != nil {
			return nil, err
		}
		return &catalogv1.GetBeerResponse{Beer: beerToProto(beer)}, nil
	})
}

// BatchGetBeers returns many beers by id.
func (c *Catalog) BatchGetBeers(ctx context.Context, req *catalogv1.BatchGetBeersRequest) (*catalogv1.BatchGetBeersResponse, error) {
	return cache.Load(ctx, c.cache, cacheKey("batch/", req), func(ctx context.Context) (*catalogv1.BatchGetBeersResponse, error) {
		beers, err := c.store.Beers(ctx, req.GetIds())
		if err != nil {
			return nil, err
		}
		return &catalogv1.BatchGetBeersResponse{Beers: mapped(beers, beerToProto)}, nil
	})
}

// ListStyles returns all styles.
func (c *Catalog) ListStyles(ctx context.Context, _ *catalogv1.ListStylesRequest) (*catalogv1.ListStylesResponse, error) {
	return cache.Load(ctx, c.cache, "styles", func(ctx context.Context) (*catalogv1.ListStylesResponse, error) {
		styles, err := c.store.Styles(ctx)
		if err != nil {
			return nil, err
		}
		return &catalogv1.ListStylesResponse{Styles: mapped(styles, styleToProto)}, nil
	})
}

// ListBreweries returns all breweries.
func (c *Catalog) ListBreweries(ctx context.Context, _ *catalogv1.ListBreweriesRequest) (*catalogv1.ListBreweriesResponse, error) {
	return cache.Load(ctx, c.cache, "breweries", func(ctx context.Context) (*catalogv1.ListBreweriesResponse, error) {
		breweries, err := c.store.Breweries(ctx)
		if err != nil {
			return nil, err
		}
		return &catalogv1.ListBreweriesResponse{Breweries: mapped(breweries, breweryToProto)}, nil
	})
}

// Prices is the CatalogPriceService. It reads the database each time: what customers pay never comes from a cache.
type Prices struct{ store *store.Store }

// NewPrices returns the CatalogPriceService.
func NewPrices(s *store.Store) *Prices { return &Prices{store: s} }

// BatchGetPrices returns what beers cost this moment.
func (p *Prices) BatchGetPrices(ctx context.Context, req *catalogv1.BatchGetPricesRequest) (*catalogv1.BatchGetPricesResponse, error) {
	prices, err := p.store.Prices(ctx, req.GetBeerIds())
	if err != nil {
		return nil, err
	}
	return &catalogv1.BatchGetPricesResponse{Prices: mapped(prices, priceToProto)}, nil
}

// cacheKey names a question by its request.
func cacheKey(kind string, req proto.Message) string {
	return kind + string(encode(req))
}

// encode returns the same bytes for equal messages of this process.
func encode(message proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err) // the message was decoded and validated, so it can be encoded
	}
	return data
}
