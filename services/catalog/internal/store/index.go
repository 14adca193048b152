package store

import (
	"context"
	"strings"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/predicate"
)

// index sets what the beer is found by.
func (tx *Tx) index(ctx context.Context, b domain.Beer) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO beer_texts (beer_id, name, labels, description) VALUES (?, ?, ?, ?)
		ON CONFLICT (beer_id) DO UPDATE SET name = excluded.name, labels = excluded.labels, description = excluded.description`,
		b.ID, words(b.Name), words(b.Brewery.Name+" "+b.Style.Name), words(b.Description))
	return err
}

// relabel indexes the beers of a brewery or style again, whose names they are found by.
func (tx *Tx) relabel(ctx context.Context, which predicate.Beer) error {
	rows, err := withAll(tx.client.Beer.Query().Where(which)).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := tx.index(ctx, beerOf(row)); err != nil {
			return err
		}
	}
	return nil
}

func words(text string) string { return strings.Join(domain.Words(text), " ") }
