package service

import (
	"context"
	"fmt"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/catalog/seed"
)

// Fill puts data and its pictures into an empty catalogue, each beer under the id that its slug is given, and reports
// whether it did: a catalogue that has beers is left as it is.
func Fill(ctx context.Context, s *store.Store, data seed.Data, id func(slug string) string) (filled bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if filled, err = tx.Empty(ctx); err != nil || !filled {
			return err
		}
		styles := make(map[string]seed.Style, len(data.Styles))
		for _, style := range data.Styles {
			styles[style.ID] = style
			if err := tx.PutStyle(ctx, styleFromSeed(style)); err != nil {
				return err
			}
		}
		breweries := make(map[string]seed.Brewery, len(data.Breweries))
		for _, brewery := range data.Breweries {
			breweries[brewery.ID] = brewery
			if err := tx.PutBrewery(ctx, breweryFromSeed(brewery)); err != nil {
				return err
			}
		}
		for _, input := range data.Beers {
			picture, err := domain.NewPicture(domain.SVG, seed.Picture(input, styles[input.Style], breweries[input.Brewery]))
			if err != nil {
				return fmt.Errorf("picture of %s: %w", input.Slug, err)
			}
			beer, err := tx.CreateBeerWithID(ctx, id(input.Slug), detailsFromSeed(input))
			if err != nil {
				return err
			}
			if beer, err = tx.SetPicture(ctx, beer, picture); err != nil {
				return err
			}
			if err := announceCreated(ctx, tx, beer); err != nil {
				return err
			}
		}
		return nil
	})
	return filled, err
}

func styleFromSeed(s seed.Style) domain.Style {
	return domain.Style{
		ID:          s.ID,
		Name:        s.Name,
		Family:      s.Family,
		Description: s.Description,
		ABVMin:      s.ABVMin,
		ABVMax:      s.ABVMax,
		IBUMin:      int32(s.IBUMin),
		IBUMax:      int32(s.IBUMax),
		SRMMin:      s.SRMMin,
		SRMMax:      s.SRMMax,
	}
}

func breweryFromSeed(b seed.Brewery) domain.Brewery {
	return domain.Brewery{
		ID:          b.ID,
		Name:        b.Name,
		City:        b.City,
		Country:     b.Country,
		Founded:     int32(b.Founded),
		Description: b.Description,
	}
}

func detailsFromSeed(b seed.Beer) domain.Details {
	return domain.Details{
		Slug:        b.Slug,
		Name:        b.Name,
		BreweryID:   b.Brewery,
		StyleID:     b.Style,
		Description: b.Description,
		ABV:         b.ABV,
		IBU:         int32(b.IBU),
		SRM:         b.SRM,
		Format:      domain.Format(b.Format),
		VolumeML:    int32(b.VolumeML),
		Price:       int64(b.PriceCents),
		Category:    b.Category,
		Tags:        b.Tags,
	}
}
