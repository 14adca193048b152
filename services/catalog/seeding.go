package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/catalog/internal/service"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/catalog/seed"
	"github.com/taproom-shop/taproom/services/internal/database"
)

// seedNamespace is the UUID namespace of the demo beers' ids: version 5 of the DNS name taproom.example.
var seedNamespace = uuid.NewSHA1(uuid.NameSpaceDNS, []byte("taproom.example"))

// Seeded is what the catalogue has of the demo beers.
type Seeded struct {
	// Fresh says that the catalogue was empty and was filled by this call.
	Fresh bool
	// Beers are the demo beers that are in the catalogue, also when it was filled before.
	Beers []SeededBeer
}

// SeededBeer is a demo beer.
type SeededBeer struct {
	ID           string
	Slug         string
	InitialStock int // units to put into inventory, once
}

// SeedID returns the id that the demo beer of that slug has in every shop: the UUID version 5 of the slug.
func SeedID(slug string) string { return uuid.NewSHA1(seedNamespace, []byte(slug)).String() }

// Seed fills an empty catalogue with the demo beers and their pictures, in one transaction with the events that tell of
// them. A catalogue that has beers is left as it is. The database must be migrated.
func Seed(ctx context.Context, db *database.DB) (Seeded, error) {
	data, err := seed.Load()
	if err != nil {
		return Seeded{}, err
	}
	catalogue := store.New(db)
	var result Seeded
	if result.Fresh, err = service.Fill(ctx, catalogue, data, SeedID); err != nil {
		return Seeded{}, fmt.Errorf("filling the catalogue: %w", err)
	}
	ids := make([]string, len(data.Beers))
	for i, beer := range data.Beers {
		ids[i] = SeedID(beer.Slug)
	}
	there, err := catalogue.Beers(ctx, ids)
	if err != nil {
		return Seeded{}, err
	}
	stock := make(map[string]int, len(ids))
	for i, beer := range data.Beers {
		stock[ids[i]] = beer.InitialStock
	}
	for _, beer := range there {
		result.Beers = append(result.Beers, SeededBeer{ID: beer.ID, Slug: beer.Slug, InitialStock: stock[beer.ID]})
	}
	return result, nil
}
