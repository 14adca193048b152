package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Beer is a beer as it is sold.
type Beer struct{ ent.Schema }

// Fields of a beer. sort_name is its name as it is sorted: folded to lower case without accents.
func (Beer) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("slug").Unique(),
		field.String("name"),
		field.String("sort_name"),
		field.String("brewery_id"),
		field.String("style_id"),
		field.Text("description"),
		field.Float("abv"),
		field.Int32("ibu"),
		field.Float("srm"),
		field.String("format"),
		field.Int32("volume_ml"),
		field.Int64("price_minor_units"),
		field.String("currency").Default("EUR").Immutable(),
		field.String("category"),
		field.String("picture_hash").Default(""),
		field.Bool("archived").Default(false),
		field.Int64("version").Default(1),
		field.Time("created_at").Immutable(),
	}
}

// Edges of a beer.
func (Beer) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("brewery", Brewery.Type).Field("brewery_id").Unique().Required(),
		edge.To("style", Style.Type).Field("style_id").Unique().Required(),
		edge.To("tags", BeerTag.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of a beer.
func (Beer) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("brewery_id"),
		index.Fields("style_id"),
	}
}

// BeerTag is one of a beer's free words.
type BeerTag struct{ ent.Schema }

// Fields of a tag.
func (BeerTag) Fields() []ent.Field {
	return []ent.Field{
		field.String("beer_id"),
		field.String("tag"),
	}
}

// Edges of a tag.
func (BeerTag) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("beer", Beer.Type).Ref("tags").Field("beer_id").Unique().Required(),
	}
}

// Indexes of a tag: by beer to show it, by tag to filter.
func (BeerTag) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("beer_id", "tag").Unique(),
		index.Fields("tag", "beer_id"),
	}
}
