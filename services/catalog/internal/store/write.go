package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/catalog/internal/ent/db"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/beer"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/beertag"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/brewery"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/picture"
	"github.com/taproom-shop/taproom/services/catalog/internal/ent/db/style"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Tx is a transaction that changes the catalogue.
type Tx struct {
	*database.Tx
	client *entdb.Client
}

// Write runs fn in a transaction of its own. Such transactions take turns, from their first statement to their commit, on
// both databases: what fn reads stays true until it has written, and revisions become visible in their order. Changing
// the catalogue is rare, reading it never waits. fn must be repeatable.
func (s *Store) Write(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE catalogue SET revision = revision + 1"); err != nil {
			return err
		}
		return fn(ctx, &Tx{Tx: tx, client: entdb.NewClient(entdb.Driver(tx.Driver()))})
	})
}

// Empty reports whether the catalogue has no beer, not even an archived one.
func (tx *Tx) Empty(ctx context.Context) (bool, error) {
	some, err := tx.client.Beer.Query().Exist(ctx)
	return !some, err
}

// Beer returns the beer of that id.
func (tx *Tx) Beer(ctx context.Context, id string) (domain.Beer, error) {
	return beerWhere(ctx, tx.client, beer.ID(id))
}

// BeerBySlug returns the beer of that slug.
func (tx *Tx) BeerBySlug(ctx context.Context, slug string) (domain.Beer, error) {
	return beerWhere(ctx, tx.client, beer.Slug(slug))
}

// CreateBeer adds a beer under a new id.
func (tx *Tx) CreateBeer(ctx context.Context, details domain.Details) (domain.Beer, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return domain.Beer{}, err
	}
	return tx.CreateBeerWithID(ctx, id.String(), details)
}

// CreateBeerWithID adds a beer under an id that the caller vouches for.
func (tx *Tx) CreateBeerWithID(ctx context.Context, id string, details domain.Details) (domain.Beer, error) {
	if err := tx.checkReferences(ctx, id, details); err != nil {
		return domain.Beer{}, err
	}
	err := tx.client.Beer.Create().
		SetID(id).
		SetSlug(details.Slug).
		SetName(details.Name).
		SetSortName(domain.Fold(details.Name)).
		SetBreweryID(details.BreweryID).
		SetStyleID(details.StyleID).
		SetDescription(details.Description).
		SetAbv(details.ABV).
		SetIbu(details.IBU).
		SetSrm(details.SRM).
		SetFormat(string(details.Format)).
		SetVolumeMl(details.VolumeML).
		SetPriceMinorUnits(details.Price).
		SetCategory(details.Category).
		SetCreatedAt(tx.Now()).
		Exec(ctx)
	if err != nil {
		return domain.Beer{}, err
	}
	return tx.finish(ctx, id, details.Tags)
}

// UpdateBeer gives the beer other details, if it still has the version that was read.
func (tx *Tx) UpdateBeer(ctx context.Context, read domain.Beer, details domain.Details) (domain.Beer, error) {
	if err := tx.checkReferences(ctx, read.ID, details); err != nil {
		return domain.Beer{}, err
	}
	err := tx.guarded(ctx, read, func(update *entdb.BeerUpdate) {
		update.
			SetSlug(details.Slug).
			SetName(details.Name).
			SetSortName(domain.Fold(details.Name)).
			SetBreweryID(details.BreweryID).
			SetStyleID(details.StyleID).
			SetDescription(details.Description).
			SetAbv(details.ABV).
			SetIbu(details.IBU).
			SetSrm(details.SRM).
			SetFormat(string(details.Format)).
			SetVolumeMl(details.VolumeML).
			SetPriceMinorUnits(details.Price).
			SetCategory(details.Category)
	})
	if err != nil {
		return domain.Beer{}, err
	}
	if _, err := tx.client.BeerTag.Delete().Where(beertag.BeerID(read.ID)).Exec(ctx); err != nil {
		return domain.Beer{}, err
	}
	return tx.finish(ctx, read.ID, details.Tags)
}

// ArchiveBeer takes the beer out of the shop, if it still has the version that was read.
func (tx *Tx) ArchiveBeer(ctx context.Context, read domain.Beer) (domain.Beer, error) {
	if err := tx.guarded(ctx, read, func(update *entdb.BeerUpdate) { update.SetArchived(true) }); err != nil {
		return domain.Beer{}, err
	}
	return tx.Beer(ctx, read.ID)
}

// SetPicture shows another picture of the beer, if it still has the version that was read. The picture shown until then is
// kept for pages that are open, older ones are removed.
func (tx *Tx) SetPicture(ctx context.Context, read domain.Beer, shown domain.Picture) (domain.Beer, error) {
	err := tx.guarded(ctx, read, func(update *entdb.BeerUpdate) { update.SetPictureHash(shown.Hash) })
	if err != nil {
		return domain.Beer{}, err
	}
	_, err = tx.client.Picture.Delete().Where(picture.BeerID(read.ID), picture.HashNEQ(read.PictureHash)).Exec(ctx)
	if err != nil {
		return domain.Beer{}, err
	}
	if shown.Hash != read.PictureHash {
		err = tx.client.Picture.Create().
			SetBeerID(read.ID).
			SetHash(shown.Hash).
			SetContentType(shown.ContentType).
			SetData(shown.Data).
			Exec(ctx)
		if err != nil {
			return domain.Beer{}, err
		}
	}
	return tx.Beer(ctx, read.ID)
}

// PutStyle creates or replaces a style.
func (tx *Tx) PutStyle(ctx context.Context, s domain.Style) error {
	err := tx.client.Style.Create().
		SetID(s.ID).
		SetName(s.Name).
		SetFamily(s.Family).
		SetDescription(s.Description).
		SetAbvMin(s.ABVMin).
		SetAbvMax(s.ABVMax).
		SetIbuMin(s.IBUMin).
		SetIbuMax(s.IBUMax).
		SetSrmMin(s.SRMMin).
		SetSrmMax(s.SRMMax).
		OnConflictColumns(style.FieldID).UpdateNewValues().
		Exec(ctx)
	if err != nil {
		return err
	}
	return tx.relabel(ctx, beer.StyleID(s.ID))
}

// PutBrewery creates or replaces a brewery.
func (tx *Tx) PutBrewery(ctx context.Context, b domain.Brewery) error {
	err := tx.client.Brewery.Create().
		SetID(b.ID).
		SetName(b.Name).
		SetCity(b.City).
		SetCountry(b.Country).
		SetFounded(b.Founded).
		SetDescription(b.Description).
		OnConflictColumns(brewery.FieldID).UpdateNewValues().
		Exec(ctx)
	if err != nil {
		return err
	}
	return tx.relabel(ctx, beer.BreweryID(b.ID))
}

// guarded changes the beer's row and counts its version on, unless somebody else has done so since it was read.
func (tx *Tx) guarded(ctx context.Context, read domain.Beer, change func(*entdb.BeerUpdate)) error {
	update := tx.client.Beer.Update().Where(beer.ID(read.ID), beer.Version(read.Version)).SetVersion(read.Version + 1)
	change(update)
	switch affected, err := update.Save(ctx); {
	case err != nil:
		return err
	case affected == 0:
		return ErrVersionConflict
	default:
		return nil
	}
}

// ErrVersionConflict says that the beer was changed in between.
var ErrVersionConflict = fault.Aborted("VERSION_CONFLICT", "somebody else has changed the beer: read it again and repeat your change")

// checkReferences tells what the constraints of the tables would, before a failed statement ends the transaction. Since
// writers take turns, nothing can come between.
func (tx *Tx) checkReferences(ctx context.Context, id string, details domain.Details) error {
	switch other, err := tx.client.Beer.Query().Where(beer.Slug(details.Slug), beer.IDNEQ(id)).OnlyID(ctx); {
	case err == nil:
		return fault.AlreadyExists("SLUG_TAKEN", "another beer has the slug %q: choose another one", details.Slug).With("beer_id", other)
	case !entdb.IsNotFound(err):
		return err
	}
	styleKnown, err := tx.client.Style.Query().Where(style.ID(details.StyleID)).Exist(ctx)
	if err != nil {
		return err
	}
	breweryKnown, err := tx.client.Brewery.Query().Where(brewery.ID(details.BreweryID)).Exist(ctx)
	switch {
	case err != nil:
		return err
	case !styleKnown:
		return fault.FailedPrecondition("STYLE_NOT_FOUND", "there is no style %q: import it first", details.StyleID)
	case !breweryKnown:
		return fault.FailedPrecondition("BREWERY_NOT_FOUND", "there is no brewery %q: import it first", details.BreweryID)
	default:
		return nil
	}
}

// finish sets what goes with a beer's row, its tags and what it is found by, and returns the beer.
func (tx *Tx) finish(ctx context.Context, id string, tags []string) (domain.Beer, error) {
	rows := mapped(domain.TagSet(tags), func(tag string) *entdb.BeerTagCreate {
		return tx.client.BeerTag.Create().SetBeerID(id).SetTag(tag)
	})
	if err := tx.client.BeerTag.CreateBulk(rows...).Exec(ctx); err != nil {
		return domain.Beer{}, err
	}
	finished, err := tx.Beer(ctx, id)
	if err != nil {
		return domain.Beer{}, err
	}
	return finished, tx.index(ctx, finished)
}
