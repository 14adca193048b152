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
		all.add(matching(databaseDialect, f.Words))
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

// places are the texts of a beer that words are looked for in, each wider than the one before, as FTS5 names columns.
const (
	inName   = "{name}"
	inLabels = "{name labels}"
	anywhere = "{name labels description}"
)

// matching is the condition that a beer has all words, the last one as a beginning. Words hold letters and digits only,
// so that none of them can end a quotation.
func matching(databaseDialect string, words []string) clause {
	if databaseDialect == dialect.Postgres {
		return clause{
			"b.id IN (SELECT x.beer_id FROM beer_texts x WHERE x.in_any @@ CAST(? AS tsquery))",
			[]any{tsquery(words)},
		}
	}
	return matchingIn(anywhere, words)
}

// tier says how well a beer that has all words matches: 1 if they are in its name, 2 if those of brewery and style are
// needed, 3 if the description is.
func tier(databaseDialect string, words []string) clause {
	if databaseDialect == dialect.Postgres {
		query := tsquery(words)
		return clause{`(SELECT CASE WHEN x.in_name @@ CAST(? AS tsquery) THEN 1 WHEN x.in_labels @@ CAST(? AS tsquery) THEN 2 ELSE 3 END
			FROM beer_texts x WHERE x.beer_id = b.id)`, []any{query, query}}
	}
	name, labels := matchingIn(inName, words), matchingIn(inLabels, words)
	return clause{
		"CASE WHEN " + name.sql + " THEN 1 WHEN " + labels.sql + " THEN 2 ELSE 3 END",
		append(name.args, labels.args...),
	}
}

func matchingIn(place string, words []string) clause {
	return clause{
		"b.id IN (SELECT x.beer_id FROM beer_search s JOIN beer_texts x ON x.id = s.rowid WHERE s.beer_search MATCH ?)",
		[]any{place + ` : ("` + strings.Join(words, `" AND "`) + `" *)`},
	}
}

func tsquery(words []string) string { return "'" + strings.Join(words, "' & '") + "':*" }
