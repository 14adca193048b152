package store

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
)

// maxFacetValues bounds the values of a facet; the rarest are left out.
const maxFacetValues = "50"

const facetTotal = "" // the count of all beers that match, told as a facet without a name

// facetNames are the facets in the order in which they are told.
var facetNames = []string{domain.FacetStyle, domain.FacetBrewery, domain.FacetCategory, domain.FacetFormat, domain.FacetTag}

// counts says how the beers that match, `m`, are counted per facet, in SQL that selects facet, value, label and count.
var counts = map[string]string{
	facetTotal:           "SELECT '' AS facet, '' AS value, '' AS label, COUNT(*) AS n FROM m",
	domain.FacetStyle:    "SELECT 'style', style_id, (SELECT name FROM styles WHERE id = style_id), COUNT(*) AS n FROM m GROUP BY style_id",
	domain.FacetBrewery:  "SELECT 'brewery', brewery_id, (SELECT name FROM breweries WHERE id = brewery_id), COUNT(*) AS n FROM m GROUP BY brewery_id",
	domain.FacetCategory: "SELECT 'category', category, '', COUNT(*) AS n FROM m GROUP BY category",
	domain.FacetFormat:   "SELECT 'format', format, '', COUNT(*) AS n FROM m GROUP BY format",
	domain.FacetTag:      "SELECT 'tag', t.tag, '', COUNT(*) AS n FROM m JOIN beer_tags t ON t.beer_id = m.id GROUP BY t.tag",
}

// Facets counts the beers that match and, per facet, how many each of its values would show together with all other
// filters. Choosing a second style, brewery, category or format widens that filter, so these are counted as if the filter
// were not set; a second tag narrows it, so tags are counted among the beers that match already.
//
// Facets that see the same beers are counted by one statement; the statements run side by side.
func (s *Store) Facets(ctx context.Context, f domain.Filter) (domain.Facets, error) {
	var jobs []facetJob
	common := facetJob{facets: []string{facetTotal}}
	for _, name := range facetNames {
		if filters(f, name) {
			jobs = append(jobs, facetJob{except: name, facets: []string{name}})
		} else {
			common.facets = append(common.facets, name)
		}
	}
	jobs = append(jobs, common)

	results := make([]map[string][]domain.FacetValue, len(jobs))
	group, ctx := errgroup.WithContext(ctx)
	for i, job := range jobs {
		group.Go(func() (err error) {
			results[i], err = s.count(ctx, f, job)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return domain.Facets{}, fmt.Errorf("counting beers: %w", err)
	}
	counted := make(map[string][]domain.FacetValue, len(facetNames)+1)
	for _, result := range results {
		for name, values := range result {
			counted[name] = values
		}
	}
	facets := domain.Facets{Total: counted[facetTotal][0].Count}
	for _, name := range facetNames {
		facets.Facets = append(facets.Facets, domain.Facet{Name: name, Values: counted[name]})
	}
	return facets, nil
}

// facetJob counts facets among the beers that match, the filter of except left out.
type facetJob struct {
	except string
	facets []string
}

// filters reports whether f has a filter that must be left out to count the facet.
func filters(f domain.Filter, facet string) bool {
	switch facet {
	case domain.FacetStyle:
		return len(f.StyleIDs) > 0
	case domain.FacetBrewery:
		return len(f.BreweryIDs) > 0
	case domain.FacetCategory:
		return len(f.Categories) > 0
	case domain.FacetFormat:
		return len(f.Formats) > 0
	default:
		return false
	}
}

func (s *Store) count(ctx context.Context, f domain.Filter, job facetJob) (map[string][]domain.FacetValue, error) {
	from := where(s.db.Dialect(), f, job.except)
	var parts []string
	for _, name := range job.facets {
		parts = append(parts, "SELECT * FROM ("+counts[name]+" ORDER BY n DESC, 2 LIMIT "+maxFacetValues+") AS "+alias(name))
	}
	rows, err := s.db.Query(ctx,
		"WITH m AS MATERIALIZED (SELECT b.id, b.style_id, b.brewery_id, b.category, b.format FROM beers b WHERE "+from.sql+") "+
			strings.Join(parts, " UNION ALL "), from.args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	counted := make(map[string][]domain.FacetValue)
	for rows.Next() {
		var facet string
		var value domain.FacetValue
		if err := rows.Scan(&facet, &value.Value, &value.Label, &value.Count); err != nil {
			return nil, err
		}
		counted[facet] = append(counted[facet], value)
	}
	return counted, rows.Err()
}

func alias(facet string) string { return "by_" + facet }
