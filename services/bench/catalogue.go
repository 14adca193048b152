package main

import (
	"context"
	"time"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
)

// page is the list that is measured: 20 beers, their facets and how many there are.
var page = &catalogv1.ListBeersRequest{PageSize: 20}

// catalogue are the clients of one catalogue, one for each connection.
type catalogue []catalogv1connect.CatalogServiceClient

func newCatalogue(url string) catalogue {
	clients := make(catalogue, connections)
	for i, h := range connect32() {
		clients[i] = catalogv1connect.NewCatalogServiceClient(h, url, uncompressed)
	}
	return clients
}

// samples are the answers that the bare handler repeats.
func (c catalogue) samples(ctx context.Context) (*catalogv1.GetBeerResponse, *catalogv1.ListBeersResponse, error) {
	beers, err := c[0].ListBeers(ctx, page)
	if err != nil {
		return nil, nil, err
	}
	beer, err := c[0].GetBeer(ctx, getBeer(beers.GetBeers()[0].GetId()))
	return beer, beers, err
}

func getBeer(id string) *catalogv1.GetBeerRequest {
	return &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Id{Id: id}}
}

// measureCatalogue compares reads of the shop's catalogue with a handler that does nothing.
func measureCatalogue(ctx context.Context, d time.Duration, database string, measured, bare catalogue) ([]row, error) {
	beers, err := measured[0].ListBeers(ctx, page)
	if err != nil {
		return nil, err
	}
	req := getBeer(beers.GetBeers()[0].GetId())
	get := func(c catalogue) func(d time.Duration) (rate, error) {
		return func(d time.Duration) (rate, error) {
			return closedLoop(ctx, d, func(ctx context.Context, caller int) error {
				_, err := c[caller].GetBeer(ctx, req)
				return err
			})
		}
	}
	list := func(c catalogue) func(d time.Duration) (rate, error) {
		return func(d time.Duration) (rate, error) {
			return closedLoop(ctx, d, func(ctx context.Context, caller int) error {
				_, err := c[caller].ListBeers(ctx, page)
				return err
			})
		}
	}
	one, bareOne, err := alternate(d, get(measured), get(bare))
	if err != nil {
		return nil, err
	}
	many, bareMany, err := alternate(d, list(measured), list(bare))
	return []row{
		rateRow(database, "GetBeer, against a bare handler", one, bareOne, 0.8),
		rateRow(database, "ListBeers, against a bare handler", many, bareMany, 0.6),
	}, err
}
