package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Address is an address that a user saved. It is personal data in plain columns, and goes with the account.
type Address struct{ ent.Schema }

// Fields of an address.
func (Address) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("user_id").Immutable(),
		field.String("recipient"),
		field.String("street"),
		field.String("city"),
		field.String("postal_code"),
		field.String("country"),
		field.String("phone"),
		field.Bool("is_default"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of an address. A user has one default at most.
func (Address) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "id"),
		index.Fields("user_id").Unique().Annotations(entsql.IndexWhere("is_default")).StorageKey("address_default"),
	}
}

// Annotations of the table.
func (Address) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "addresses"}}
}
