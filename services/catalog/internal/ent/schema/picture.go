package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Picture is a picture of a beer. The beer names the one that is shown by its hash; the one shown before is kept, since
// pages that are already open still ask for it.
type Picture struct{ ent.Schema }

// Fields of a picture. hash is the SHA-256 of the data in hexadecimal, cut to 32 digits.
func (Picture) Fields() []ent.Field {
	return []ent.Field{
		field.String("beer_id").Immutable(),
		field.String("hash").Immutable(),
		field.String("content_type").Immutable(),
		field.Bytes("data").Immutable(),
	}
}

// Edges of a picture.
func (Picture) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("beer", Beer.Type).Field("beer_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of a picture.
func (Picture) Indexes() []ent.Index {
	return []ent.Index{index.Fields("beer_id", "hash").Unique()}
}
