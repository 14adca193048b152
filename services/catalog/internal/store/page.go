package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
)

// Key is where a page ends: the sort key of its last beer and the beer's id. Of the other fields only those that the order
// sorts by are set.
type Key struct {
	ID        string    `json:"i"`
	Tier      int64     `json:"t,omitzero"` // 1: all words in the name; 2: with those of brewery and style; 3: with the description
	SortName  string    `json:"n,omitzero"`
	Price     int64     `json:"p,omitzero"`
	ABV       float64   `json:"a,omitzero"`
	CreatedAt time.Time `json:"c,omitzero"`
}

// order is how one Sort is said in SQL. Its columns all go in one direction, so that a page begins with one comparison of
// rows, which an index answers.
type order struct {
	columns    string // that it sorts by before the id; one if descending
	descending bool
	args       func(Key) []any
	into       func(*Key) []any
}

var orders = map[domain.Sort]order{
	domain.ByRelevance: {
		columns: "tier, sort_name",
		args:    func(k Key) []any { return []any{k.Tier, k.SortName} },
		into:    func(k *Key) []any { return []any{&k.Tier, &k.SortName} },
	},
	domain.ByName: {
		columns: "sort_name",
		args:    func(k Key) []any { return []any{k.SortName} },
		into:    func(k *Key) []any { return []any{&k.SortName} },
	},
	domain.ByPriceAsc:  byPrice(false),
	domain.ByPriceDesc: byPrice(true),
	domain.ByABVDesc: {
		columns:    "abv",
		descending: true,
		args:       func(k Key) []any { return []any{k.ABV} },
		into:       func(k *Key) []any { return []any{&k.ABV} },
	},
	domain.ByNewest: {
		columns:    "created_at",
		descending: true,
		args:       func(k Key) []any { return []any{k.CreatedAt} },
		into:       func(k *Key) []any { return []any{&k.CreatedAt} },
	},
}

func byPrice(descending bool) order {
	return order{
		columns:    "price_minor_units",
		descending: descending,
		args:       func(k Key) []any { return []any{k.Price} },
		into:       func(k *Key) []any { return []any{&k.Price} },
	}
}

// Page returns up to size beers that match, in order, beginning behind after, or with the first if after is nil. next is
// where this page ends if another one follows. Relevance without words is the order by name.
func (s *Store) Page(ctx context.Context, f domain.Filter, by domain.Sort, size int, after *Key) (beers []domain.Beer, next *Key, err error) {
	if by == domain.ByRelevance && len(f.Words) == 0 {
		by = domain.ByName
	}
	ids, next, err := s.pageIDs(ctx, f, by, size, after)
	if err != nil {
		return nil, nil, fmt.Errorf("listing beers: %w", err)
	}
	if beers, err = s.Beers(ctx, ids); err != nil {
		return nil, nil, fmt.Errorf("listing beers: %w", err)
	}
	return beers, next, nil
}

func (s *Store) pageIDs(ctx context.Context, f domain.Filter, by domain.Sort, size int, after *Key) (ids []string, next *Key, err error) {
	query := pageQuery(s.db.Dialect(), f, by, size, after)
	rows, err := s.db.Query(ctx, query.sql, query.args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	var last Key
	for rows.Next() {
		if len(ids) == size { // the row more than asked for says that there is a next page
			return ids, &last, nil
		}
		if last, err = scanKey(rows, orders[by]); err != nil {
			return nil, nil, err
		}
		ids = append(ids, last.ID)
	}
	return ids, nil, rows.Err()
}

func pageQuery(databaseDialect string, f domain.Filter, by domain.Sort, size int, after *Key) clause {
	o, from := orders[by], where(databaseDialect, f, "")
	query := clause{"SELECT id, " + o.columns + " FROM beers b WHERE " + from.sql, from.args}
	if by == domain.ByRelevance {
		// First all that match, so that tiers are told of these alone.
		rank := tier(databaseDialect, f.Words)
		query = clause{
			"WITH hits AS MATERIALIZED (SELECT b.id, " + rank.sql + " AS tier, b.sort_name FROM beers b WHERE " + from.sql +
				") SELECT id, tier, sort_name FROM hits WHERE true",
			append(rank.args, from.args...),
		}
	}
	comparison, direction := ">", ""
	if o.descending {
		comparison, direction = "<", " DESC"
	}
	if after != nil {
		keys := append(o.args(*after), after.ID)
		query.sql += " AND (" + o.columns + ", id) " + comparison + " (?" + strings.Repeat(", ?", len(keys)-1) + ")"
		query.args = append(query.args, keys...)
	}
	query.sql += " ORDER BY " + o.columns + direction + ", id" + direction + " LIMIT ?"
	query.args = append(query.args, size+1)
	return query
}

func scanKey(rows *sql.Rows, o order) (key Key, err error) {
	err = rows.Scan(append([]any{&key.ID}, o.into(&key)...)...)
	return key, err
}
