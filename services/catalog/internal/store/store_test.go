package store_test

import (
	"context"
	"io"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/catalog/internal/ent/db"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

// unknownID is no beer's id.
const unknownID = "0193a7b2-7c1e-7d50-8f3a-2b1c0d9e8f7a"

var migrations = []database.Migrations{journal.Migrations, store.Migrations}

// each runs test on both databases with a store that has one style and one brewery.
func each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) {
		s := store.New(db)
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			require.NoError(t, tx.PutStyle(ctx, domain.Style{ID: "stout", Name: "Stout"}))
			return tx.PutBrewery(ctx, domain.Brewery{ID: "quay", Name: "North Quay"})
		})
		test(t, s)
	})
}

func write(t *testing.T, s *store.Store, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), fn))
}

func details(slug string) domain.Details {
	return domain.Details{
		Slug: slug, Name: "Beer " + slug, BreweryID: "quay", StyleID: "stout", Description: "Dark as the harbour.",
		ABV: 4.2, IBU: 30, SRM: 35.5, Format: domain.Bottle, VolumeML: 330, Price: 249, Category: "craft", Tags: []string{"vegan", "award"},
	}
}

func create(t *testing.T, s *store.Store, d domain.Details) (created domain.Beer) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
		created, err = tx.CreateBeer(ctx, d)
		return err
	})
	return created
}

func TestMigrationsMatchTheSchema(t *testing.T) {
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) {
		databasetest.AssertCurrent(t, db, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			return entdb.NewClient(entdb.Driver(driver)).Schema.WriteTo(ctx, w)
		})
	})
}

func TestBeerIsReadAsItWasCreated(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		created := create(t, s, details("quay-stout"))
		require.True(t, created.Equal(details("quay-stout")))
		require.Equal(t, []string{"award", "vegan"}, created.Tags)
		require.Equal(t, "North Quay", created.Brewery.Name)
		require.EqualValues(t, 1, created.Version)

		read, err := s.Beer(t.Context(), created.ID)
		require.NoError(t, err)
		require.Equal(t, created, read)
		read, err = s.BeerBySlug(t.Context(), "quay-stout")
		require.NoError(t, err)
		require.Equal(t, created, read)

		_, err = s.Beer(t.Context(), unknownID)
		require.ErrorIs(t, err, store.ErrBeerNotFound)
		_, err = s.BeerBySlug(t.Context(), "other")
		require.ErrorIs(t, err, store.ErrBeerNotFound)
	})
}

func TestBeersComeInTheOrderAskedFor(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		a, b := create(t, s, details("a")), create(t, s, details("b"))
		beers, err := s.Beers(t.Context(), []string{b.ID, unknownID, a.ID})
		require.NoError(t, err)
		require.Equal(t, []domain.Beer{b, a}, beers)
	})
}

func TestReferencesAreChecked(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		create(t, s, details("taken"))
		for reason, change := range map[string]func(*domain.Details){
			"SLUG_TAKEN":        func(d *domain.Details) { d.Slug = "taken" },
			"STYLE_NOT_FOUND":   func(d *domain.Details) { d.StyleID = "none" },
			"BREWERY_NOT_FOUND": func(d *domain.Details) { d.BreweryID = "none" },
		} {
			d := details("free")
			change(&d)
			err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.CreateBeer(ctx, d)
				return err
			})
			require.Equal(t, reason, fault.ReasonOf(err))
		}
	})
}

func TestUpdateIsGuardedByVersion(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		old := create(t, s, details("stout"))
		d := details("stout")
		d.Price, d.Tags = 299, []string{"seasonal"}
		var updated domain.Beer
		write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			updated, err = tx.UpdateBeer(ctx, old, d)
			return err
		})
		require.EqualValues(t, 2, updated.Version)
		require.True(t, updated.Equal(d))

		err := s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.UpdateBeer(ctx, old, details("stout"))
			return err
		})
		require.ErrorIs(t, err, store.ErrVersionConflict)
		err = s.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ArchiveBeer(ctx, old)
			return err
		})
		require.ErrorIs(t, err, store.ErrVersionConflict)
		read, err := s.Beer(t.Context(), old.ID)
		require.NoError(t, err)
		require.Equal(t, updated, read)
	})
}

func TestRevisionGrowsWithEveryCommittedChange(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		before, err := s.Revision(t.Context())
		require.NoError(t, err)
		create(t, s, details("one"))
		after, err := s.Revision(t.Context())
		require.NoError(t, err)
		require.Greater(t, after, before)

		require.ErrorIs(t, s.Write(t.Context(), func(context.Context, *store.Tx) error { return io.EOF }), io.EOF)
		unchanged, err := s.Revision(t.Context())
		require.NoError(t, err)
		require.Equal(t, after, unchanged)
	})
}

func TestPictureShownBeforeIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		beer := create(t, s, details("stout"))
		show := func(hash string) {
			write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				beer, err = tx.SetPicture(ctx, beer, domain.Picture{Hash: hash, ContentType: domain.SVG, Data: []byte(hash)})
				return err
			})
		}
		has := func(hash string) bool {
			picture, err := s.Picture(t.Context(), beer.ID, hash)
			if err != nil {
				require.ErrorIs(t, err, store.ErrPictureNotFound)
				return false
			}
			return string(picture.Data) == hash
		}
		show("a")
		show("b")
		require.True(t, has("a") && has("b"))
		show("c")
		require.True(t, !has("a") && has("b") && has("c"))
		show("b")
		require.True(t, has("b") && has("c"))
		require.Equal(t, "b", beer.PictureHash)
		require.EqualValues(t, 5, beer.Version)
	})
}

func TestPrices(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		beer := create(t, s, details("stout"))
		prices, err := s.Prices(t.Context(), []string{beer.ID, unknownID})
		require.NoError(t, err)
		require.Equal(t, []domain.Price{{BeerID: beer.ID, Name: beer.Name, Amount: 249, Version: 1}}, prices)
	})
}
