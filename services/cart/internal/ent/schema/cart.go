// Package schema describes the tables of the cart service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/taproom-shop/taproom/services/cart/internal/domain"
)

// Cart is what queries read: a projection of the events, which can be thrown away and made again.
type Cart struct{ ent.Schema }

// Fields of a cart. The id is its owner's.
func (Cart) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Bool("guest"),
		field.JSON("items", []domain.Item{}),
		field.Int64("version"),
		field.Time("updated_at"),
	}
}

// Indexes of a cart: guests' old carts expire.
func (Cart) Indexes() []ent.Index {
	return []ent.Index{index.Fields("updated_at").Annotations(entsql.IndexWhere("guest")).StorageKey("cart_guest_age")}
}

// Annotations of the table.
func (Cart) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "carts"}}
}
