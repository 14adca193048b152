package store

import (
	"strings"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
)

// clause is a piece of SQL with the arguments of its placeholders.
type clause struct {
	sql  string
	args []any
}

// where turns a filter into the condition on `beers b`. The facet named by except is left out of it.
func where(databaseDialect string, f domain.Filter, except string) clause {
	all := conditions{sql: []string{"NOT b.archived"}}
	if len(f.Words) > 0 {
		all.add(matching(databaseDialect, f.Words, anywhere))
	}
	if except != domain.FacetStyle {
		all.oneOf("b.style_id", f.StyleIDs)
	}
	if except != domain.FacetBrewery {
		all.oneOf("b.brewery_id", f.BreweryIDs)
	}
	if except != domain.FacetCategory {
		all.oneOf("b.category", f.Categories)
	}
	if except != domain.FacetFormat {
		all.oneOf("b.format", mapped(f.Formats, func(format domain.Format) string { return string(format) }))
	}
	for _, tag := range domain.TagSet(f.Tags) {
		all.add(clause{"b.id IN (SELECT t.beer_id FROM beer_tags t WHERE t.tag = ?)", []any{tag}})
	}
	if f.PriceMin > 0 {
		all.add(clause{"b.price_minor_units >= ?", []any{f.PriceMin}})
	}
	if f.PriceMax > 0 {
		all.add(clause{"b.price_minor_units <= ?", []any{f.PriceMax}})
	}
	if f.ABVMin > 0 {
		all.add(clause{"b.abv >= ?", []any{f.ABVMin}})
	}
	if f.ABVMax > 0 {
		all.add(clause{"b.abv <= ?", []any{f.ABVMax}})
	}
	return clause{strings.Join(all.sql, " AND "), all.args}
}

type conditions struct {
	sql  []string
	args []any
}

func (c *conditions) add(condition clause) {
	c.sql = append(c.sql, condition.sql)
	c.args = append(c.args, condition.args...)
}

func (c *conditions) oneOf(column string, values []string) {
	if len(values) == 0 {
		return
	}
	c.sql = append(c.sql, column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")")
	for _, value := range values {
		c.args = append(c.args, value)
	}
}

// place is where words are looked for: the texts of a beer, each wider than the one before.
type place struct{ sqlite, postgres string }

var (
	inName   = place{"{name}", "in_name"}
	inLabels = place{"{name labels}", "in_labels"}
	anywhere = place{"{name labels description}", "in_any"}
)

// matching is the condition that all words stand in a place, the last one as a beginning. Words hold letters and digits
// only, so that none of them can end a quotation.
func matching(databaseDialect string, words []string, in place) clause {
	if databaseDialect == dialect.Postgres {
		return clause{
			"b.id IN (SELECT x.beer_id FROM beer_texts x WHERE x." + in.postgres + " @@ CAST(? AS tsquery))",
			[]any{"'" + strings.Join(words, "' & '") + "':*"},
		}
	}
	return clause{
		"b.id IN (SELECT x.beer_id FROM beer_search s JOIN beer_texts x ON x.id = s.rowid WHERE s.beer_search MATCH ?)",
		[]any{in.sqlite + ` : ("` + strings.Join(words, `" AND "`) + `" *)`},
	}
}
