package store_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/service"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/catalog/seed"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// TestListsAreWhatAPlainFilterGives compares pages and facets with the same made by going through all beers.
func TestListsAreWhatAPlainFilterGives(t *testing.T) {
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) {
		s, all := filled(t, db)
		draws := generators(all)
		rapid.Check(t, func(t *rapid.T) {
			filter, by := draws.filter(t), rapid.SampledFrom(sorts).Draw(t, "sort")
			expected := plainList(all, filter, by)

			size := rapid.IntRange(1, 40).Draw(t, "size")
			var found []string
			for after := (*store.Key)(nil); ; {
				page, next, err := s.Page(t.Context(), filter, by, size, after)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), size)
				for _, beer := range page {
					found = append(found, beer.Slug)
				}
				if next == nil {
					break
				}
				require.Len(t, page, size, "only the last page may be short")
				after = next
			}
			require.Equal(t, expected, found)

			facets, err := s.Facets(t.Context(), filter)
			require.NoError(t, err)
			require.Equal(t, plainFacets(all, filter), facets)
		})
	})
}

func TestSearchTakesAnythingForWords(t *testing.T) {
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) {
		s, all := filled(t, db)
		for _, query := range []string{
			`"`, `'`, `\`, `a" OR "b`, `NEAR(a b)`, `name:ipa`, `ipa*`, `-ipa`, `(ipa`, `a & !b`, `a:*`, `^ale`, "ipa\x00ale", `AND OR NOT`, `%_`, `∀x≠½`,
			strings.Repeat("x", 200), "日本 пиво ÆØÅ",
		} {
			filter := domain.Filter{Words: domain.Words(query)}
			page, _, err := s.Page(t.Context(), filter, domain.ByRelevance, 100, nil)
			require.NoError(t, err, query)
			facets, err := s.Facets(t.Context(), filter)
			require.NoError(t, err, query)
			require.EqualValues(t, len(plainList(all, filter, domain.ByRelevance)), facets.Total, query)
			require.LessOrEqual(t, int64(len(page)), facets.Total)
		}
	})
}

func TestSearchFindsByNamesOfBreweryAndStyleAsTheyAreNow(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		d := details("x")
		d.Name, d.Description = "Schwarzes Übel", "For Gänse."
		create(t, s, d)
		finds := func(query string) bool {
			page, _, err := s.Page(t.Context(), domain.Filter{Words: domain.Words(query)}, domain.ByRelevance, 10, nil)
			require.NoError(t, err)
			return len(page) == 1
		}
		require.True(t, finds("ÜBEL quay"))
		require.True(t, finds("ubel stou"))
		require.True(t, finds("ganse"))
		require.False(t, finds("ube stout"), "only the last word may be a beginning")
		write(t, s, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutBrewery(ctx, domain.Brewery{ID: "quay", Name: "South Pier"})
		})
		require.False(t, finds("quay"))
		require.True(t, finds("pier"))
	})
}

// Relevance is the most difficult one.
var sorts = []domain.Sort{
	domain.ByRelevance, domain.ByRelevance, domain.ByRelevance,
	domain.ByName, domain.ByPriceAsc, domain.ByPriceDesc, domain.ByABVDesc, domain.ByNewest,
}

// filled returns a store with the demo beers, some archived.
func filled(t *testing.T, db *database.DB) (*store.Store, []domain.Beer) {
	t.Helper()
	data, err := seed.Load()
	require.NoError(t, err)
	s := store.New(db)
	done, err := service.Fill(t.Context(), s, data, func(slug string) string { return uuid.NewSHA1(uuid.Nil, []byte(slug)).String() })
	require.NoError(t, err)
	require.True(t, done)
	var all []domain.Beer
	for i, input := range data.Beers {
		beer, err := s.BeerBySlug(t.Context(), input.Slug)
		require.NoError(t, err)
		if i%20 == 7 {
			write(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				beer, err = tx.ArchiveBeer(ctx, beer)
				return err
			})
		}
		all = append(all, beer)
	}
	return s, all
}

// draw makes filters that have a chance to match.
type draw struct {
	words, styles, breweries, categories, tags []string
}

func generators(all []domain.Beer) draw {
	var d draw
	for _, beer := range all {
		d.words = append(d.words, domain.Words(beer.Name+" "+beer.Brewery.Name+" "+beer.Style.Name+" "+beer.Description)...)
		d.styles = append(d.styles, beer.StyleID)
		d.breweries = append(d.breweries, beer.BreweryID)
		d.categories = append(d.categories, beer.Category)
		d.tags = append(d.tags, beer.Tags...)
	}
	for _, list := range []*[]string{&d.words, &d.styles, &d.breweries, &d.categories, &d.tags} {
		*list = domain.TagSet(*list)
	}
	return d
}

func (d draw) filter(t *rapid.T) domain.Filter {
	some := func(values []string, most int, name string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 0, most, rapid.ID[string]).Draw(t, name)
	}
	f := domain.Filter{
		Words:      some(d.words, 2, "words"),
		StyleIDs:   some(d.styles, 3, "styles"),
		BreweryIDs: some(d.breweries, 3, "breweries"),
		Categories: some(d.categories, 2, "categories"),
		Tags:       some(d.tags, 1, "tags"),
		PriceMin:   rapid.SampledFrom([]int64{0, 0, 200, 300}).Draw(t, "price min"),
		PriceMax:   rapid.SampledFrom([]int64{0, 0, 300, 500}).Draw(t, "price max"),
		ABVMin:     rapid.SampledFrom([]float64{0, 0, 4.5}).Draw(t, "abv min"),
		ABVMax:     rapid.SampledFrom([]float64{0, 0, 7}).Draw(t, "abv max"),
	}
	for _, format := range some([]string{"BOTTLE", "CAN", "KEG"}, 2, "formats") {
		f.Formats = append(f.Formats, domain.Format(format))
	}
	// Otherwise almost nothing matches.
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		f.StyleIDs, f.BreweryIDs, f.Categories, f.Tags, f.Formats = nil, nil, nil, nil, nil
		f.Words = []string{string([]rune(rapid.SampledFrom(d.words).Draw(t, "word"))[:1])}
		return f
	case 1:
		f.Words, f.StyleIDs = nil, nil
	case 2:
		f.Words, f.BreweryIDs = nil, nil
	case 3:
		f.StyleIDs, f.BreweryIDs = nil, nil
	}
	if n := len(f.Words); n > 0 {
		last := []rune(f.Words[n-1])
		f.Words[n-1] = string(last[:rapid.IntRange(1, len(last)).Draw(t, "prefix")])
	}
	return f
}

func matches(b domain.Beer, f domain.Filter) bool {
	has := func(values []string, value string) bool { return len(values) == 0 || slices.Contains(values, value) }
	for _, tag := range f.Tags {
		if !slices.Contains(b.Tags, tag) {
			return false
		}
	}
	return !b.Archived && tier(b, f.Words) > 0 &&
		has(f.StyleIDs, b.StyleID) && has(f.BreweryIDs, b.BreweryID) && has(f.Categories, b.Category) &&
		(len(f.Formats) == 0 || slices.Contains(f.Formats, b.Format)) &&
		b.Price >= f.PriceMin && (f.PriceMax == 0 || b.Price <= f.PriceMax) &&
		b.ABV >= f.ABVMin && (f.ABVMax == 0 || b.ABV <= f.ABVMax)
}

// tier is 0 where the words don't match, else 1 to 3, the best match first.
func tier(b domain.Beer, words []string) int {
	text := ""
	for i, part := range []string{b.Name, b.Brewery.Name + " " + b.Style.Name, b.Description} {
		text += " " + part
		if allIn(words, domain.Words(text)) {
			return i + 1
		}
	}
	return 0
}

func allIn(words, text []string) bool {
	for i, word := range words {
		found := slices.ContainsFunc(text, func(other string) bool {
			return other == word || i == len(words)-1 && strings.HasPrefix(other, word)
		})
		if !found {
			return false
		}
	}
	return true
}

func plainList(all []domain.Beer, f domain.Filter, by domain.Sort) []string {
	var found []domain.Beer
	for _, beer := range all {
		if matches(beer, f) {
			found = append(found, beer)
		}
	}
	slices.SortFunc(found, func(a, b domain.Beer) int {
		name := cmp.Or(cmp.Compare(domain.Fold(a.Name), domain.Fold(b.Name)), cmp.Compare(a.ID, b.ID))
		switch by {
		case domain.ByName:
			return name
		case domain.ByPriceAsc:
			return cmp.Or(cmp.Compare(a.Price, b.Price), cmp.Compare(a.ID, b.ID))
		case domain.ByPriceDesc:
			return cmp.Or(cmp.Compare(b.Price, a.Price), cmp.Compare(b.ID, a.ID))
		case domain.ByABVDesc:
			return cmp.Or(cmp.Compare(b.ABV, a.ABV), cmp.Compare(b.ID, a.ID))
		case domain.ByNewest:
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
		case domain.ByRelevance:
		}
		return cmp.Or(cmp.Compare(tier(a, f.Words), tier(b, f.Words)), name)
	})
	var slugs []string
	for _, beer := range found {
		slugs = append(slugs, beer.Slug)
	}
	return slugs
}

func plainFacets(all []domain.Beer, f domain.Filter) domain.Facets {
	count := func(name string, f domain.Filter, values func(domain.Beer) []domain.FacetValue) domain.Facet {
		counts := make(map[domain.FacetValue]int64)
		for _, beer := range all {
			if matches(beer, f) {
				for _, value := range values(beer) {
					counts[value]++
				}
			}
		}
		facet := domain.Facet{Name: name}
		for value, n := range counts {
			value.Count = n
			facet.Values = append(facet.Values, value)
		}
		slices.SortFunc(facet.Values, func(a, b domain.FacetValue) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
		return facet
	}
	without := func(change func(*domain.Filter)) domain.Filter {
		g := f
		change(&g)
		return g
	}
	value := func(v, label string) []domain.FacetValue { return []domain.FacetValue{{Value: v, Label: label}} }
	return domain.Facets{
		Total: int64(len(plainList(all, f, domain.ByName))),
		Facets: []domain.Facet{
			count("style", without(func(g *domain.Filter) { g.StyleIDs = nil }), func(b domain.Beer) []domain.FacetValue { return value(b.StyleID, b.Style.Name) }),
			count("brewery", without(func(g *domain.Filter) { g.BreweryIDs = nil }), func(b domain.Beer) []domain.FacetValue { return value(b.BreweryID, b.Brewery.Name) }),
			count("category", without(func(g *domain.Filter) { g.Categories = nil }), func(b domain.Beer) []domain.FacetValue { return value(b.Category, "") }),
			count("format", without(func(g *domain.Filter) { g.Formats = nil }), func(b domain.Beer) []domain.FacetValue { return value(string(b.Format), "") }),
			count("tag", f, func(b domain.Beer) (values []domain.FacetValue) {
				for _, tag := range b.Tags {
					values = append(values, value(tag, "")...)
				}
				return values
			}),
		},
	}
}
