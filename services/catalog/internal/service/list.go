package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/internal/cache"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/paging"
)

// ListBeers searches beers. The page and the facets are read side by side; facets are cached by themselves, too, since
// other pages and orders of the same filter have the same ones.
func (c *Catalog) ListBeers(ctx context.Context, req *catalogv1.ListBeersRequest) (*catalogv1.ListBeersResponse, error) {
	return cache.Load(ctx, c.cache, cacheKey("list/", req), func(ctx context.Context) (*catalogv1.ListBeersResponse, error) {
		answer, facets := &catalogv1.ListBeersResponse{}, &catalogv1.ListBeersResponse{}
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() (err error) {
			answer.Beers, answer.NextPageToken, err = c.page(ctx, req)
			return err
		})
		if !req.GetSkipFacets() {
			group.Go(func() (err error) {
				facets, err = c.facets(ctx, req.GetFilter())
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		answer.Facets, answer.TotalSize = facets.GetFacets(), facets.GetTotalSize()
		return answer, nil
	})
}

func (c *Catalog) page(ctx context.Context, req *catalogv1.ListBeersRequest) (page []*catalogv1.Beer, next string, err error) {
	after, err := decodePageToken(req)
	if err != nil {
		return nil, "", err
	}
	beers, end, err := c.store.Page(ctx, filterFromProto(req.GetFilter()), sorts[req.GetSort()], paging.Size(req.GetPageSize()), after)
	if err != nil {
		return nil, "", err
	}
	if end != nil {
		next = paging.Encode(pageToken{Query: queryOf(req), Key: *end})
	}
	return mapped(beers, beerToProto), next, nil
}

// facets returns a response that holds facets and the total only.
func (c *Catalog) facets(ctx context.Context, filter *catalogv1.BeerFilter) (*catalogv1.ListBeersResponse, error) {
	return cache.Load(ctx, c.cache, cacheKey("facets/", filter), func(ctx context.Context) (*catalogv1.ListBeersResponse, error) {
		facets, err := c.store.Facets(ctx, filterFromProto(filter))
		if err != nil {
			return nil, err
		}
		return &catalogv1.ListBeersResponse{Facets: mapped(facets.Facets, facetToProto), TotalSize: facets.Total}, nil
	})
}

// pageToken is where a page ends, bound to the filter and order that it belongs to.
type pageToken struct {
	Query string `json:"q"`
	store.Key
}

func decodePageToken(req *catalogv1.ListBeersRequest) (*store.Key, error) {
	if req.GetPageToken() == "" {
		return nil, nil
	}
	var token pageToken
	if err := paging.Decode(req.GetPageToken(), &token); err != nil {
		return nil, err
	}
	if token.Query != queryOf(req) || uuid.Validate(token.ID) != nil || strings.ContainsRune(token.SortName, 0) {
		return nil, fault.Invalid("PAGE_TOKEN_INVALID", "pass page_token as next_page_token gave it, with the same filter and sort")
	}
	return &token.Key, nil
}

// queryOf digests what must be the same on all pages of a list.
func queryOf(req *catalogv1.ListBeersRequest) string {
	sum := sha256.Sum256(append(encode(req.GetFilter()), byte(req.GetSort()))) // no filter and an empty one are the same
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

var sorts = map[catalogv1.BeerSort]domain.Sort{
	catalogv1.BeerSort_BEER_SORT_UNSPECIFIED: domain.ByRelevance,
	catalogv1.BeerSort_BEER_SORT_NAME:        domain.ByName,
	catalogv1.BeerSort_BEER_SORT_PRICE_ASC:   domain.ByPriceAsc,
	catalogv1.BeerSort_BEER_SORT_PRICE_DESC:  domain.ByPriceDesc,
	catalogv1.BeerSort_BEER_SORT_ABV_DESC:    domain.ByABVDesc,
	catalogv1.BeerSort_BEER_SORT_NEWEST:      domain.ByNewest,
}

func filterFromProto(f *catalogv1.BeerFilter) domain.Filter {
	return domain.Filter{
		Words:      domain.Words(f.GetQuery()),
		StyleIDs:   f.GetStyleIds(),
		BreweryIDs: f.GetBreweryIds(),
		Categories: f.GetCategories(),
		Formats:    mapped(f.GetFormats(), formatFromProto),
		Tags:       f.GetTags(),
		PriceMin:   f.GetPriceMinMinorUnits(),
		PriceMax:   f.GetPriceMaxMinorUnits(),
		ABVMin:     f.GetAbvMin(),
		ABVMax:     f.GetAbvMax(),
	}
}
