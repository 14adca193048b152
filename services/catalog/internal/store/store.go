// Package store keeps the catalogue in its database.
package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/catalog/internal/ent/db"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/beer"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/picture"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/predicate"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// ErrBeerNotFound says that there is no such beer.
var ErrBeerNotFound = fault.NotFound("BEER_NOT_FOUND", "there is no such beer: look it up with ListBeers")

// ErrPictureNotFound says that there is no such picture.
var ErrPictureNotFound = fault.NotFound("PICTURE_NOT_FOUND", "there is no such picture: the beer's picture_path names the current one")

// Store reads the catalogue; Write changes it.
type Store struct {
	db   *database.DB
	read *entdb.Client
}

// New returns the store in db, whose migrations are Migrations and those of journal.
func New(db *database.DB) *Store {
	return &Store{db: db, read: entdb.NewClient(entdb.Driver(db.Reader()))}
}

// Revision returns a number that grows whenever the catalogue changes. What is read after it is at least that new.
func (s *Store) Revision(ctx context.Context) (revision int64, err error) {
	err = s.db.QueryRow(ctx, "SELECT revision FROM catalogue").Scan(&revision)
	return revision, err
}

// Beer returns the beer of that id, archived or not.
func (s *Store) Beer(ctx context.Context, id string) (domain.Beer, error) {
	return beerWhere(ctx, s.read, beer.ID(id))
}

// BeerBySlug returns the beer of that slug, archived or not.
func (s *Store) BeerBySlug(ctx context.Context, slug string) (domain.Beer, error) {
	return beerWhere(ctx, s.read, beer.Slug(slug))
}

// Beers returns the beers of those ids in the order asked for and leaves unknown ones out.
func (s *Store) Beers(ctx context.Context, ids []string) ([]domain.Beer, error) {
	rows, err := withAll(s.read.Beer.Query().Where(beer.IDIn(ids...))).All(ctx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*entdb.Beer, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	beers := make([]domain.Beer, 0, len(ids))
	for _, id := range ids {
		if row, ok := byID[id]; ok {
			beers = append(beers, beerOf(row))
		}
	}
	return beers, nil
}

// Prices returns what those beers cost now and leaves unknown ones out.
func (s *Store) Prices(ctx context.Context, ids []string) ([]domain.Price, error) {
	rows, err := s.read.Beer.Query().Where(beer.IDIn(ids...)).
		Select(beer.FieldID, beer.FieldName, beer.FieldPriceMinorUnits, beer.FieldArchived, beer.FieldVersion).
		All(ctx)
	if err != nil {
		return nil, err
	}
	prices := make([]domain.Price, len(rows))
	for i, row := range rows {
		prices[i] = domain.Price{BeerID: row.ID, Name: row.Name, Amount: row.PriceMinorUnits, Archived: row.Archived, Version: row.Version}
	}
	return prices, nil
}

// Styles returns all styles by name.
func (s *Store) Styles(ctx context.Context) ([]domain.Style, error) {
	rows, err := s.read.Style.Query().All(ctx)
	if err != nil {
		return nil, err
	}
	styles := mapped(rows, styleOf)
	slices.SortFunc(styles, func(a, b domain.Style) int { return byName(a.Name, a.ID, b.Name, b.ID) })
	return styles, nil
}

// Breweries returns all breweries by name.
func (s *Store) Breweries(ctx context.Context) ([]domain.Brewery, error) {
	rows, err := s.read.Brewery.Query().All(ctx)
	if err != nil {
		return nil, err
	}
	breweries := mapped(rows, breweryOf)
	slices.SortFunc(breweries, func(a, b domain.Brewery) int { return byName(a.Name, a.ID, b.Name, b.ID) })
	return breweries, nil
}

// byName sorts here, since the locales of databases differ.
func byName(nameA, idA, nameB, idB string) int {
	return cmp.Or(cmp.Compare(domain.Fold(nameA), domain.Fold(nameB)), cmp.Compare(idA, idB))
}

// Picture returns one of a beer's pictures, the shown one or the one before it.
func (s *Store) Picture(ctx context.Context, beerID, hash string) (domain.Picture, error) {
	row, err := s.read.Picture.Query().Where(picture.BeerID(beerID), picture.Hash(hash)).Only(ctx)
	if entdb.IsNotFound(err) {
		return domain.Picture{}, ErrPictureNotFound
	}
	if err != nil {
		return domain.Picture{}, err
	}
	return domain.Picture{Hash: row.Hash, ContentType: row.ContentType, Data: row.Data}, nil
}

func beerWhere(ctx context.Context, client *entdb.Client, which predicate.Beer) (domain.Beer, error) {
	row, err := withAll(client.Beer.Query().Where(which)).Only(ctx)
	if entdb.IsNotFound(err) {
		return domain.Beer{}, ErrBeerNotFound
	}
	if err != nil {
		return domain.Beer{}, err
	}
	return beerOf(row), nil
}

func withAll(query *entdb.BeerQuery) *entdb.BeerQuery {
	return query.WithBrewery().WithStyle().WithTags()
}
