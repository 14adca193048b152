package service

import (
	"context"
	"errors"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/internal/cache"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

// Admin is the CatalogAdminService. Each change and the event that tells of it are one transaction.
type Admin struct {
	store *store.Store
	cache *cache.Cache
}

// NewAdmin returns the CatalogAdminService. What it changes is seen through c at once.
func NewAdmin(s *store.Store, c *cache.Cache) *Admin {
	return &Admin{store: s, cache: c}
}

// CreateBeer adds a beer.
func (a *Admin) CreateBeer(ctx context.Context, req *catalogv1.CreateBeerRequest) (*catalogv1.CreateBeerResponse, error) {
	var created domain.Beer
	err := a.write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if created, err = tx.CreateBeer(ctx, detailsFromProto(req.GetBeer())); err != nil {
			return err
		}
		return announceCreated(ctx, tx, created)
	})
	if err != nil {
		return nil, err
	}
	return &catalogv1.CreateBeerResponse{Beer: beerToProto(created)}, nil
}

// UpdateBeer changes the fields of a beer that the mask names.
func (a *Admin) UpdateBeer(ctx context.Context, req *catalogv1.UpdateBeerRequest) (*catalogv1.UpdateBeerResponse, error) {
	change, err := newChange(req.GetBeer(), req.GetUpdateMask())
	if err != nil {
		return nil, err
	}
	updated, err := a.change(ctx, req.GetId(), func(ctx context.Context, tx *store.Tx, beer domain.Beer) (domain.Beer, error) {
		if expected := req.GetExpectedVersion(); expected != 0 && expected != beer.Version {
			return domain.Beer{}, store.ErrVersionConflict
		}
		details := change.apply(beer.Details)
		if details.Equal(beer.Details) {
			return beer, nil
		}
		return tx.UpdateBeer(ctx, beer, details)
	})
	if err != nil {
		return nil, err
	}
	return &catalogv1.UpdateBeerResponse{Beer: beerToProto(updated)}, nil
}

// ArchiveBeer takes a beer out of the shop.
func (a *Admin) ArchiveBeer(ctx context.Context, req *catalogv1.ArchiveBeerRequest) (*catalogv1.ArchiveBeerResponse, error) {
	archived, err := a.change(ctx, req.GetId(), func(ctx context.Context, tx *store.Tx, beer domain.Beer) (domain.Beer, error) {
		if beer.Archived {
			return beer, nil
		}
		return tx.ArchiveBeer(ctx, beer)
	})
	if err != nil {
		return nil, err
	}
	return &catalogv1.ArchiveBeerResponse{Beer: beerToProto(archived)}, nil
}

// UploadPicture sets a beer's picture.
func (a *Admin) UploadPicture(ctx context.Context, req *catalogv1.UploadPictureRequest) (*catalogv1.UploadPictureResponse, error) {
	picture, err := domain.NewPicture(req.GetContentType(), req.GetData())
	if err != nil {
		return nil, fault.Invalid("PICTURE_INVALID", "the picture can't be used: %v", err)
	}
	changed, err := a.change(ctx, req.GetBeerId(), func(ctx context.Context, tx *store.Tx, beer domain.Beer) (domain.Beer, error) {
		if beer.PictureHash == picture.Hash {
			return beer, nil
		}
		return tx.SetPicture(ctx, beer, picture)
	})
	if err != nil {
		return nil, err
	}
	return &catalogv1.UploadPictureResponse{Beer: beerToProto(changed)}, nil
}

// ImportBeers creates or changes beers by slug, and the styles and breweries that they need.
func (a *Admin) ImportBeers(ctx context.Context, req *catalogv1.ImportBeersRequest) (*catalogv1.ImportBeersResponse, error) {
	if err := checkUnique(req.GetBeers()); err != nil {
		return nil, err
	}
	var answer *catalogv1.ImportBeersResponse
	err := a.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		answer = &catalogv1.ImportBeersResponse{}
		for _, style := range req.GetStyles() {
			if err := tx.PutStyle(ctx, styleFromProto(style)); err != nil {
				return err
			}
		}
		for _, brewery := range req.GetBreweries() {
			if err := tx.PutBrewery(ctx, breweryFromProto(brewery)); err != nil {
				return err
			}
		}
		for _, input := range req.GetBeers() {
			id, err := importBeer(ctx, tx, detailsFromProto(input), answer)
			if err != nil {
				return err
			}
			answer.BeerIds = append(answer.BeerIds, id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func checkUnique(beers []*catalogv1.BeerInput) error {
	seen := make(map[string]bool, len(beers))
	for _, beer := range beers {
		if seen[beer.GetSlug()] {
			return fault.Invalid("SLUG_REPEATED", "the request names the slug %q twice: name each beer once", beer.GetSlug())
		}
		seen[beer.GetSlug()] = true
	}
	return nil
}

func importBeer(ctx context.Context, tx *store.Tx, details domain.Details, counts *catalogv1.ImportBeersResponse) (id string, err error) {
	beer, err := tx.BeerBySlug(ctx, details.Slug)
	switch {
	case errors.Is(err, store.ErrBeerNotFound):
		counts.Created++
		if beer, err = tx.CreateBeer(ctx, details); err != nil {
			return "", err
		}
		return beer.ID, announceCreated(ctx, tx, beer)
	case err != nil:
		return "", err
	case beer.Equal(details):
		counts.Unchanged++
		return beer.ID, nil
	default:
		counts.Updated++
		if beer, err = tx.UpdateBeer(ctx, beer, details); err != nil {
			return "", err
		}
		return beer.ID, announceChanged(ctx, tx, beer, false)
	}
}

// change runs fn on a beer and tells of what it did, if it did anything.
func (a *Admin) change(ctx context.Context, id string, fn func(ctx context.Context, tx *store.Tx, beer domain.Beer) (domain.Beer, error)) (changed domain.Beer, err error) {
	err = a.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := tx.Beer(ctx, id)
		if err != nil {
			return err
		}
		if changed, err = fn(ctx, tx, before); err != nil || changed.Version == before.Version {
			return err
		}
		return announceChanged(ctx, tx, changed, changed.Archived && !before.Archived)
	})
	return changed, err
}

// write makes the cache see what fn changes.
func (a *Admin) write(ctx context.Context, fn func(ctx context.Context, tx *store.Tx) error) error {
	return a.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(a.cache.Invalidate)
		return fn(ctx, tx)
	})
}

func announceCreated(ctx context.Context, tx *store.Tx, beer domain.Beer) error {
	return journal.Append(ctx, tx.Tx, &eventv1.BeerCreated{BeerId: beer.ID, Beer: stateToProto(beer)})
}

func announceChanged(ctx context.Context, tx *store.Tx, beer domain.Beer, archived bool) error {
	if archived {
		return journal.Append(ctx, tx.Tx, &eventv1.BeerArchived{BeerId: beer.ID, Beer: stateToProto(beer)})
	}
	return journal.Append(ctx, tx.Tx, &eventv1.BeerUpdated{BeerId: beer.ID, Beer: stateToProto(beer)})
}
