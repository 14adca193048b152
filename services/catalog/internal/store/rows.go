package store

import (
	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/catalog/internal/ent/db"
)

func mapped[From, To any](rows []From, convert func(From) To) []To {
	out := make([]To, len(rows))
	for i, row := range rows {
		out[i] = convert(row)
	}
	return out
}

// beerOf needs the row's edges loaded.
func beerOf(row *entdb.Beer) domain.Beer {
	return domain.Beer{
		ID: row.ID,
		Details: domain.Details{
			Slug:        row.Slug,
			Name:        row.Name,
			BreweryID:   row.BreweryID,
			StyleID:     row.StyleID,
			Description: row.Description,
			ABV:         row.Abv,
			IBU:         row.Ibu,
			SRM:         row.Srm,
			Format:      domain.Format(row.Format),
			VolumeML:    row.VolumeMl,
			Price:       row.PriceMinorUnits,
			Category:    row.Category,
			Tags:        domain.TagSet(mapped(row.Edges.Tags, func(tag *entdb.BeerTag) string { return tag.Tag })),
		},
		Brewery:     breweryOf(row.Edges.Brewery),
		Style:       styleOf(row.Edges.Style),
		PictureHash: row.PictureHash,
		Archived:    row.Archived,
		Version:     row.Version,
		CreatedAt:   row.CreatedAt.UTC(),
	}
}

func breweryOf(row *entdb.Brewery) domain.Brewery {
	return domain.Brewery{
		ID:          row.ID,
		Name:        row.Name,
		City:        row.City,
		Country:     row.Country,
		Founded:     row.Founded,
		Description: row.Description,
	}
}

func styleOf(row *entdb.Style) domain.Style {
	return domain.Style{
		ID:          row.ID,
		Name:        row.Name,
		Family:      row.Family,
		Description: row.Description,
		ABVMin:      row.AbvMin,
		ABVMax:      row.AbvMax,
		IBUMin:      row.IbuMin,
		IBUMax:      row.IbuMax,
		SRMMin:      row.SrmMin,
		SRMMax:      row.SrmMax,
	}
}
