package catalog_test

import (
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
)

func input(slug string) *catalogv1.BeerInput {
	return &catalogv1.BeerInput{
		Slug: slug, Name: "New " + slug, BreweryId: "nube-roja", StyleId: "altbier", Description: "Just tapped.", Abv: 4.8, Ibu: 20, Srm: 12,
		Format: catalogv1.Format_FORMAT_BOTTLE, VolumeMl: 500, PriceMinorUnits: 320, Category: "craft", Tags: []string{"vegan"},
	}
}

func update(t *testing.T, s *service, id string, beer *catalogv1.BeerInput, fields ...string) *catalogv1.Beer {
	t.Helper()
	answer, err := s.staff.UpdateBeer(t.Context(), &catalogv1.UpdateBeerRequest{Id: id, Beer: beer, UpdateMask: &fieldmaskpb.FieldMask{Paths: fields}})
	require.NoError(t, err)
	return answer.GetBeer()
}

func TestOnlyStaffChangesTheCatalogue(t *testing.T) {
	s := onSQLite(t)
	for who, client := range map[connect.Code]catalogv1connect.CatalogAdminServiceClient{
		connect.CodeUnauthenticated:  catalogv1connect.NewCatalogAdminServiceClient(s.http, s.url),
		connect.CodePermissionDenied: catalogv1connect.NewCatalogAdminServiceClient(s.http, s.url, s.shop.As(identity.RoleCustomer, "ann")),
	} {
		_, err := client.CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{Beer: input("x")})
		require.Equal(t, who, connect.CodeOf(err))
	}
	_, err := catalogv1connect.NewCatalogPriceServiceClient(s.http, s.url, s.shop.As(identity.RoleStaff, "keeper")).
		BatchGetPrices(t.Context(), &catalogv1.BatchGetPricesRequest{BeerIds: []string{unknownID}})
	refused(t, err, connect.CodePermissionDenied, "SERVICE_REQUIRED")
}

func TestCreatedBeerIsFoundAndTold(t *testing.T) {
	s := onSQLite(t)
	before := len(s.events(t, 0))
	require.Zero(t, s.list(t, &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: "zwickelfritz"}}).GetTotalSize())
	created, err := s.staff.CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{Beer: input("zwickelfritz")})
	require.NoError(t, err)
	beer := created.GetBeer()
	require.EqualValues(t, 1, beer.GetVersion())
	require.EqualValues(t, 7, uuid.MustParse(beer.GetId()).Version())
	require.Equal(t, "Cervecería Nube Roja", beer.GetBrewery().GetName())

	found := s.list(t, &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: "zwickelfritz"}})
	require.EqualValues(t, 1, found.GetTotalSize(), "the cache knows of changes at once")
	require.True(t, proto.Equal(beer, found.GetBeers()[0]))

	events := s.events(t, before)
	require.Len(t, events, 1)
	require.Equal(t, "zwickelfritz", events[0].(*eventv1.BeerCreated).GetBeer().GetSlug())

	_, err = s.staff.CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{Beer: input("zwickelfritz")})
	refused(t, err, connect.CodeAlreadyExists, "SLUG_TAKEN")
	for reason, change := range map[string]func(*catalogv1.BeerInput){
		"STYLE_NOT_FOUND":   func(b *catalogv1.BeerInput) { b.StyleId = "none" },
		"BREWERY_NOT_FOUND": func(b *catalogv1.BeerInput) { b.BreweryId = "none" },
	} {
		b := input("other")
		change(b)
		_, err = s.staff.CreateBeer(t.Context(), &catalogv1.CreateBeerRequest{Beer: b})
		refused(t, err, connect.CodeFailedPrecondition, reason)
	}
	require.Len(t, s.events(t, before), 1, "what fails is not told")
}

func TestUpdateChangesOnlyWhatTheMaskNames(t *testing.T) {
	s := onSQLite(t)
	before := len(s.events(t, 0))
	old := s.beer(t, "agua-de-mayo")
	updated := update(t, s, old.GetId(), &catalogv1.BeerInput{Slug: "NOT LOOKED AT", PriceMinorUnits: 300}, "price_minor_units", "tags")
	want := proto.CloneOf(old)
	want.Price.MinorUnits, want.Tags, want.Version = 300, nil, old.GetVersion()+1
	require.Equal(t, want.String(), updated.String())
	require.Equal(t, want.String(), s.beer(t, "agua-de-mayo").String())

	events := s.events(t, before)
	require.Len(t, events, 1)
	state := events[0].(*eventv1.BeerUpdated).GetBeer()
	require.EqualValues(t, 300, state.GetPrice().GetMinorUnits())
	require.Equal(t, updated.GetVersion(), state.GetVersion())

	same := update(t, s, old.GetId(), &catalogv1.BeerInput{PriceMinorUnits: 300}, "price_minor_units")
	require.Equal(t, updated.GetVersion(), same.GetVersion(), "what changes nothing is no change")
	require.Len(t, s.events(t, before), 1)
}

func TestUpdateRefusals(t *testing.T) {
	s := onSQLite(t)
	beer := s.beer(t, "agua-de-mayo")
	try := func(change func(*catalogv1.UpdateBeerRequest)) error {
		req := &catalogv1.UpdateBeerRequest{Id: beer.GetId(), Beer: &catalogv1.BeerInput{Name: "X"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}}
		change(req)
		_, err := s.staff.UpdateBeer(t.Context(), req)
		return err
	}
	mask := func(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

	err := try(func(r *catalogv1.UpdateBeerRequest) { r.UpdateMask = mask("name", "archived") })
	refused(t, err, connect.CodeInvalidArgument, "UPDATE_MASK_INVALID")
	require.ErrorContains(t, err, "price_minor_units")
	err = try(func(r *catalogv1.UpdateBeerRequest) { r.UpdateMask = mask() })
	refused(t, err, connect.CodeInvalidArgument, "UPDATE_MASK_INVALID")
	err = try(func(r *catalogv1.UpdateBeerRequest) { r.Beer = nil })
	refused(t, err, connect.CodeInvalidArgument, "VALIDATION_FAILED")
	err = try(func(r *catalogv1.UpdateBeerRequest) {
		r.Beer, r.UpdateMask = &catalogv1.BeerInput{Name: "fine", Tags: []string{"a", ""}}, mask("name", "tags")
	})
	refused(t, err, connect.CodeInvalidArgument, "VALIDATION_FAILED")
	var known *fault.Error
	require.ErrorAs(t, rpc.Fault(err), &known)
	require.Equal(t, "beer.tags[1]", known.Fields[0].Path)
	err = try(func(r *catalogv1.UpdateBeerRequest) { r.Id = unknownID })
	refused(t, err, connect.CodeNotFound, "BEER_NOT_FOUND")
	err = try(func(r *catalogv1.UpdateBeerRequest) { r.ExpectedVersion = beer.GetVersion() + 1 })
	refused(t, err, connect.CodeAborted, "VERSION_CONFLICT")
	err = try(func(r *catalogv1.UpdateBeerRequest) {
		r.Beer, r.UpdateMask = &catalogv1.BeerInput{Slug: "amboss-alt"}, mask("slug")
	})
	refused(t, err, connect.CodeAlreadyExists, "SLUG_TAKEN")
	require.Equal(t, beer.String(), s.beer(t, "agua-de-mayo").String())
}

func TestArchivedBeersStayReadable(t *testing.T) {
	s := onSQLite(t)
	before := len(s.events(t, 0))
	id := catalog.SeedID("agua-de-mayo")
	for range 2 {
		answer, err := s.staff.ArchiveBeer(t.Context(), &catalogv1.ArchiveBeerRequest{Id: id})
		require.NoError(t, err)
		require.True(t, answer.GetBeer().GetArchived())
		require.EqualValues(t, 3, answer.GetBeer().GetVersion())
	}
	events := s.events(t, before)
	require.Len(t, events, 1)
	require.True(t, events[0].(*eventv1.BeerArchived).GetBeer().GetArchived())
	require.True(t, s.beer(t, "agua-de-mayo").GetArchived())
	require.Empty(t, s.list(t, &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: "agua de mayo"}}).GetBeers())
	_, err := s.staff.ArchiveBeer(t.Context(), &catalogv1.ArchiveBeerRequest{Id: unknownID})
	refused(t, err, connect.CodeNotFound, "BEER_NOT_FOUND")
}

func TestImport(t *testing.T) {
	databasetest.Each(t, catalog.Migrations(), func(t *testing.T, db *database.DB) {
		s := start(t, db, parts{})
		before := len(s.events(t, 0))
		req := &catalogv1.ImportBeersRequest{
			Styles:    []*catalogv1.Style{{Id: "new-style", Name: "New Style"}, {Id: "altbier", Name: "Altbier, renamed"}},
			Breweries: []*catalogv1.Brewery{{Id: "new-brewery", Name: "New Brewery", Country: "NL", Founded: 1999}},
			Beers:     []*catalogv1.BeerInput{input("one"), input("two")},
		}
		req.Beers[0].StyleId, req.Beers[0].BreweryId = "new-style", "new-brewery"
		first, err := s.staff.ImportBeers(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []int32{2, 0, 0}, []int32{first.GetCreated(), first.GetUpdated(), first.GetUnchanged()})
		require.Equal(t, s.beer(t, "two").GetId(), first.GetBeerIds()[1])
		require.Equal(t, "Altbier, renamed", s.beer(t, "two").GetStyle().GetName())

		req.Beers[1].PriceMinorUnits = 299
		req.Beers = append(req.Beers, input("three"))
		second, err := s.staff.ImportBeers(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, []int32{1, 1, 1}, []int32{second.GetCreated(), second.GetUpdated(), second.GetUnchanged()})
		require.Equal(t, first.GetBeerIds(), second.GetBeerIds()[:2])
		events := s.events(t, before)
		require.Len(t, events, 4)
		require.Equal(t, second.GetBeerIds()[1], events[2].(*eventv1.BeerUpdated).GetBeerId())
		require.Equal(t, second.GetBeerIds()[2], events[3].(*eventv1.BeerCreated).GetBeerId())

		bad := input("four")
		bad.StyleId = "none"
		_, err = s.staff.ImportBeers(t.Context(), &catalogv1.ImportBeersRequest{Beers: []*catalogv1.BeerInput{input("five"), bad}})
		refused(t, err, connect.CodeFailedPrecondition, "STYLE_NOT_FOUND")
		_, err = s.anyone.GetBeer(t.Context(), &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Slug{Slug: "five"}})
		refused(t, err, connect.CodeNotFound, "BEER_NOT_FOUND")
		_, err = s.staff.ImportBeers(t.Context(), &catalogv1.ImportBeersRequest{Beers: []*catalogv1.BeerInput{input("five"), input("five")}})
		refused(t, err, connect.CodeInvalidArgument, "SLUG_REPEATED")
		require.Len(t, s.events(t, before), 4)
	})
}

func TestUploadPicture(t *testing.T) {
	s := onSQLite(t)
	old := s.beer(t, "agua-de-mayo")
	upload := func(kind, data string) (*catalogv1.Beer, error) {
		answer, err := s.staff.UploadPicture(t.Context(), &catalogv1.UploadPictureRequest{BeerId: old.GetId(), ContentType: kind, Data: []byte(data)})
		return answer.GetBeer(), err
	}
	changed, err := upload("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	require.NoError(t, err)
	require.NotEqual(t, old.GetPicturePath(), changed.GetPicturePath())
	again, err := upload("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	require.NoError(t, err)
	require.Equal(t, changed.GetVersion(), again.GetVersion())
	_, err = upload("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	refused(t, err, connect.CodeInvalidArgument, "PICTURE_INVALID")
	_, err = upload("image/png", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	refused(t, err, connect.CodeInvalidArgument, "PICTURE_INVALID")

	// The largest picture fits, as JSON as well.
	const open, end = `<svg xmlns="http://www.w3.org/2000/svg"><text>`, `</text></svg>`
	large := open + strings.Repeat("x", 200_000-len(open)-len(end)) + end
	json := catalogv1connect.NewCatalogAdminServiceClient(s.http, s.url, s.shop.As(identity.RoleStaff, "keeper"), connect.WithProtoJSON())
	_, err = json.UploadPicture(t.Context(), &catalogv1.UploadPictureRequest{BeerId: old.GetId(), ContentType: "image/svg+xml", Data: []byte(large)})
	require.NoError(t, err)
}

func TestConcurrentUpdates(t *testing.T) {
	databasetest.Each(t, catalog.Migrations(), func(t *testing.T, db *database.DB) {
		s := start(t, db, parts{})
		old := s.beer(t, "agua-de-mayo")
		before := len(s.events(t, 0))
		const writers = 8
		var group sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range writers {
			// Guarded by a version only one can win; unguarded all take effect, each on its own field.
			group.Go(func() {
				_, err := s.staff.UpdateBeer(t.Context(), &catalogv1.UpdateBeerRequest{
					Id: old.GetId(), Beer: &catalogv1.BeerInput{PriceMinorUnits: int64(1000 + i)},
					UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"price_minor_units"}}, ExpectedVersion: old.GetVersion(),
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if reason := fault.ReasonOf(rpc.Fault(err)); reason != "VERSION_CONFLICT" {
					t.Errorf("lost with %v", err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 1, won)

		for i := range writers {
			group.Go(func() {
				req := &catalogv1.UpdateBeerRequest{Id: old.GetId(), UpdateMask: &fieldmaskpb.FieldMask{}}
				if i%2 == 0 {
					req.Beer, req.UpdateMask.Paths = &catalogv1.BeerInput{Ibu: int32(100 + i)}, []string{"ibu"}
				} else {
					req.Beer, req.UpdateMask.Paths = &catalogv1.BeerInput{Srm: float64(50 + i)}, []string{"srm"}
				}
				if _, err := s.staff.UpdateBeer(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		now := s.beer(t, "agua-de-mayo")
		require.EqualValues(t, old.GetVersion()+1+writers, now.GetVersion())
		require.GreaterOrEqual(t, now.GetIbu(), int32(100))
		require.GreaterOrEqual(t, now.GetSrm(), 50.0)
		for i, event := range s.events(t, before) {
			require.Equal(t, old.GetVersion()+1+int64(i), event.(*eventv1.BeerUpdated).GetBeer().GetVersion())
		}
	})
}
