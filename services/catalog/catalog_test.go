package catalog_test

import (
	"io"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/catalog/seed"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

func TestSeedFillsOnceUnderStableIDs(t *testing.T) {
	db := databasetest.SQLite(t, catalog.Migrations()...)
	first, err := catalog.Seed(t.Context(), db)
	require.NoError(t, err)
	require.True(t, first.Fresh)
	s := start(t, db, parts{})
	data, err := seed.Load()
	require.NoError(t, err)
	again, err := catalog.Seed(t.Context(), db)
	require.NoError(t, err)
	require.False(t, again.Fresh)
	require.Equal(t, first.Beers, again.Beers)
	require.Len(t, again.Beers, len(data.Beers))
	for i, beer := range again.Beers {
		require.Equal(t, data.Beers[i].Slug, beer.Slug)
		require.Equal(t, data.Beers[i].InitialStock, beer.InitialStock)
		require.Equal(t, catalog.SeedID(beer.Slug), beer.ID)
	}
	require.Equal(t, "71034763-5a6a-56ac-8e86-079daf27e7c4", catalog.SeedID("agua-de-mayo"), "ids never change")

	events := s.events(t, 0)
	require.Len(t, events, len(data.Beers))
	for i, event := range events {
		created := event.(*eventv1.BeerCreated)
		require.Equal(t, again.Beers[i].ID, created.GetBeerId())
		require.Equal(t, data.Beers[i].Slug, created.GetBeer().GetSlug())
		require.EqualValues(t, data.Beers[i].PriceCents, created.GetBeer().GetPrice().GetMinorUnits())
	}
}

func TestGetBeer(t *testing.T) {
	s := onSQLite(t)
	bySlug := s.beer(t, "agua-de-mayo")
	require.Equal(t, "Agua de Mayo", bySlug.GetName())
	require.Equal(t, "nube-roja", bySlug.GetBrewery().GetId())
	require.Equal(t, "Berliner Weisse", bySlug.GetStyle().GetName())
	require.Equal(t, catalogv1.Format_FORMAT_CAN, bySlug.GetFormat())
	require.Equal(t, "EUR", bySlug.GetPrice().GetCurrency())
	require.EqualValues(t, 249, bySlug.GetPrice().GetMinorUnits())
	require.Equal(t, []string{"seasonal", "vegan"}, bySlug.GetTags())

	byID, err := s.anyone.GetBeer(t.Context(), &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Id{Id: bySlug.GetId()}})
	require.NoError(t, err)
	require.Equal(t, bySlug.String(), byID.GetBeer().String())

	_, err = s.anyone.GetBeer(t.Context(), &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Id{Id: unknownID}})
	refused(t, err, connect.CodeNotFound, "BEER_NOT_FOUND")
	_, err = s.anyone.GetBeer(t.Context(), &catalogv1.GetBeerRequest{})
	refused(t, err, connect.CodeInvalidArgument, "VALIDATION_FAILED")
}

func TestBatchGetBeersKeepsTheOrder(t *testing.T) {
	s := onSQLite(t)
	ids := []string{catalog.SeedID("amboss-alt"), unknownID, catalog.SeedID("agua-de-mayo")}
	answer, err := s.anyone.BatchGetBeers(t.Context(), &catalogv1.BatchGetBeersRequest{Ids: ids})
	require.NoError(t, err)
	require.Len(t, answer.GetBeers(), 2)
	require.Equal(t, "amboss-alt", answer.GetBeers()[0].GetSlug())
	require.Equal(t, "agua-de-mayo", answer.GetBeers()[1].GetSlug())
}

func TestStylesAndBreweriesAreListedByName(t *testing.T) {
	s := onSQLite(t)
	styles, err := s.anyone.ListStyles(t.Context(), &catalogv1.ListStylesRequest{})
	require.NoError(t, err)
	require.Equal(t, "alcohol-free", styles.GetStyles()[0].GetId())
	require.Len(t, styles.GetStyles(), 26)
	breweries, err := s.anyone.ListBreweries(t.Context(), &catalogv1.ListBreweriesRequest{})
	require.NoError(t, err)
	require.Len(t, breweries.GetBreweries(), 19)
}

func TestListPagesEndAndAreBoundToTheirQuery(t *testing.T) {
	s := onSQLite(t)
	req := &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Categories: []string{"everyday"}}, Sort: catalogv1.BeerSort_BEER_SORT_PRICE_ASC, PageSize: 7}
	first := s.list(t, req)
	require.Len(t, first.GetBeers(), 7)
	seen, last := 0, int64(0)
	for page := first; ; page = s.list(t, req) {
		for _, beer := range page.GetBeers() {
			require.GreaterOrEqual(t, beer.GetPrice().GetMinorUnits(), last)
			last = beer.GetPrice().GetMinorUnits()
			seen++
		}
		if page.GetNextPageToken() == "" {
			break
		}
		req.PageToken, req.SkipFacets = page.GetNextPageToken(), true
	}
	require.EqualValues(t, first.GetTotalSize(), seen)

	for _, other := range []*catalogv1.ListBeersRequest{
		{Filter: &catalogv1.BeerFilter{Categories: []string{"craft"}}, Sort: req.GetSort(), PageToken: first.GetNextPageToken()},
		{Filter: req.GetFilter(), Sort: catalogv1.BeerSort_BEER_SORT_NAME, PageToken: first.GetNextPageToken()},
		{Filter: req.GetFilter(), Sort: req.GetSort(), PageToken: "made-up"},
	} {
		_, err := s.anyone.ListBeers(t.Context(), other)
		refused(t, err, connect.CodeInvalidArgument, "PAGE_TOKEN_INVALID")
	}
	empty := s.list(t, &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{}, PageSize: 3})
	_, err := s.anyone.ListBeers(t.Context(), &catalogv1.ListBeersRequest{PageToken: empty.GetNextPageToken()})
	require.NoError(t, err, "no filter and an empty one are the same")
}

func TestFacetsSayWhatAChoiceWouldShow(t *testing.T) {
	s := onSQLite(t)
	filter := &catalogv1.BeerFilter{Query: "a", Formats: []catalogv1.Format{catalogv1.Format_FORMAT_CAN}, Tags: []string{"vegan"}}
	facets := s.list(t, &catalogv1.ListBeersRequest{Filter: filter}).GetFacets()
	var names []string
	for _, facet := range facets {
		names = append(names, facet.GetName())
		for _, value := range facet.GetValues() {
			require.NotEmpty(t, value.GetLabel())
			chosen := &catalogv1.BeerFilter{Query: filter.GetQuery(), Formats: filter.GetFormats(), Tags: filter.GetTags()}
			switch facet.GetName() {
			case "style":
				chosen.StyleIds = []string{value.GetValue()}
			case "brewery":
				chosen.BreweryIds = []string{value.GetValue()}
			case "category":
				chosen.Categories = []string{value.GetValue()}
			case "format":
				chosen.Formats = []catalogv1.Format{catalogv1.Format(catalogv1.Format_value[value.GetValue()])}
			case "tag":
				chosen.Tags = append(chosen.Tags, value.GetValue())
			}
			require.Equal(t, value.GetCount(), s.list(t, &catalogv1.ListBeersRequest{Filter: chosen}).GetTotalSize(), "%s %s", facet.GetName(), value.GetValue())
		}
	}
	require.Equal(t, []string{"style", "brewery", "category", "format", "tag"}, names)

	skipped := s.list(t, &catalogv1.ListBeersRequest{Filter: filter, SkipFacets: true})
	require.Empty(t, skipped.GetFacets())
	require.Zero(t, skipped.GetTotalSize())
}

func TestPricesAreForServicesAndNeverCached(t *testing.T) {
	s := onSQLite(t)
	id := catalog.SeedID("agua-de-mayo")
	req := &catalogv1.BatchGetPricesRequest{BeerIds: []string{id, unknownID}}
	answer, err := s.prices.BatchGetPrices(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, answer.GetPrices(), 1)
	require.EqualValues(t, 249, answer.GetPrices()[0].GetPrice().GetMinorUnits())
	require.Equal(t, "Agua de Mayo", answer.GetPrices()[0].GetName())

	other := start(t, s.db, parts{}) // its changes are heard of by nobody
	update(t, other, id, &catalogv1.BeerInput{PriceMinorUnits: 1}, "price_minor_units")
	answer, err = s.prices.BatchGetPrices(t.Context(), req)
	require.NoError(t, err)
	require.EqualValues(t, 1, answer.GetPrices()[0].GetPrice().GetMinorUnits())
}

func TestPicturesAreServedForGood(t *testing.T) {
	s := onSQLite(t)
	get := func(path, etag string) (status int, header http.Header, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		require.NoError(t, err)
		req.Header.Set("If-None-Match", etag)
		answer, err := s.http.Do(req)
		require.NoError(t, err)
		defer answer.Body.Close()
		content, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, answer.Header, string(content)
	}
	beer := s.beer(t, "agua-de-mayo")
	require.Regexp(t, "^/pictures/"+beer.GetId()+"/[0-9a-f]{32}$", beer.GetPicturePath())
	status, header, body := get(beer.GetPicturePath(), "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "<svg")
	require.Equal(t, "image/svg+xml", header.Get("Content-Type"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	require.Equal(t, "public, max-age=31536000, immutable", header.Get("Cache-Control"))
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	status, _, _ = get(beer.GetPicturePath(), header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, status)

	for _, path := range []string{"/pictures/" + beer.GetId() + "/0123", "/pictures/" + beer.GetId() + "/", "/pictures/"} {
		status, _, _ = get(path, "")
		require.Equal(t, http.StatusNotFound, status, path)
	}
}
