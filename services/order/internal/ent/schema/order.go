// Package schema describes the tables of the order service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// Order is an order with everything that decides what may happen to it next.
type Order struct{ ent.Schema }

// Fields of an order. Money is in minor units of `currency`.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("user_id").Immutable(),
		field.String("request_id").Immutable().Comment("kept for the order's life: a repeated PlaceOrder finds it"),
		field.Bytes("request_digest").Immutable(),
		field.Int64("cart_version").Immutable(),
		field.Int64("number").Immutable().Comment("of the user's orders, from 1"),
		field.Bool("checkout_open").Default(true).Comment("until the cart has given up what was ordered"),

		field.String("state"),
		field.String("reason").Default(""),
		field.String("stock").Default(""),
		field.String("money").Default(""),
		field.Bool("confirmed").Default(false),
		field.Int64("cancel_request").Default(0).Comment("version of the order with which shipping was asked to stop it; 0: it was not, or has answered"),
		field.String("requested_reason").Default(""),
		field.Bool("recall").Default(false),

		field.Int64("subtotal").Immutable(),
		field.Int64("shipping").Immutable(),
		field.Int64("total").Immutable(),
		field.String("currency").Immutable(),
		field.String("shipping_method_id").Immutable(),
		field.String("card_id").Immutable().Comment("empty: paid from the wallet"),
		field.JSON("address", domain.Address{}).Immutable(),

		field.Time("placed_at").Immutable(),
		field.Time("updated_at"),
		field.Time("expires_at").Immutable(),
		field.Int64("version"),
		field.Int64("timeline_len"),
	}
}

// Edges of an order.
func (Order) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("lines", Line.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of an order: its natural keys, and what lists and sweeps need.
func (Order) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "request_id").Unique(),
		// One open checkout per cart; a cart has its owner's id.
		index.Fields("user_id").Unique().Annotations(entsql.IndexWhere("checkout_open")).StorageKey("order_open_checkout"),
		// One order after the other: see store.Place.
		index.Fields("user_id", "number").Unique(),
		index.Fields("user_id", "id"),
		index.Fields("state", "expires_at"),
	}
}

// Annotations of the table.
func (Order) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "orders"}}
}

// Customer is who has ordered, or wanted the account deleted.
type Customer struct{ ent.Schema }

// Fields of a customer; its id is the user's.
func (Customer) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().StorageKey("user_id"),
		field.String("hold_id").Comment("who made the hold; empty: nobody ever did"),
		field.Time("held_until").Comment("nothing is ordered before"),
	}
}

// Annotations of the table.
func (Customer) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "customers"}}
}

// Line is one beer of an order.
type Line struct{ ent.Schema }

// Fields of a line.
func (Line) Fields() []ent.Field {
	return []ent.Field{
		field.String("order_id").Immutable(),
		field.String("beer_id").Immutable(),
		field.String("beer_name").Immutable(),
		field.Int32("quantity").Immutable(),
		field.Int64("unit_price").Immutable(),
	}
}

// Edges of a line.
func (Line) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("order", Order.Type).Ref("lines").Field("order_id").Unique().Required().Immutable(),
	}
}

// Indexes of a line.
func (Line) Indexes() []ent.Index {
	return []ent.Index{index.Fields("order_id", "beer_id").Unique()}
}

// Annotations of the table.
func (Line) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "order_lines"}}
}

// TimelineEntry is one step in the life of an order.
type TimelineEntry struct{ ent.Schema }

// Fields of an entry.
func (TimelineEntry) Fields() []ent.Field {
	return []ent.Field{
		field.String("order_id").Immutable(),
		field.Int64("number").Immutable(),
		field.String("type").Immutable(),
		field.String("state").Immutable(),
		field.String("event_id").Immutable(),
		field.Time("occurred_at").Immutable(),
	}
}

// Indexes of an entry.
func (TimelineEntry) Indexes() []ent.Index {
	return []ent.Index{index.Fields("order_id", "number").Unique()}
}

// Annotations of the table.
func (TimelineEntry) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "order_timeline"}}
}
