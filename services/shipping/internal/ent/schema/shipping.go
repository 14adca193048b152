// Package schema describes the tables of the shipping service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Shipment is the parcel of an order.
type Shipment struct{ ent.Schema }

// Fields of a shipment.
func (Shipment) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("order_id").Immutable(),
		field.String("user_id").Immutable(),
		field.String("method_id").Immutable().Comment("empty: stopped before it was made"),
		field.String("state"),
		field.String("reason"),
		field.Int64("answered").Comment("the order's version in the newest request to cancel that was answered"),
		field.Int32("step"),
		field.Int32("progress"),
		field.String("carried_by").Comment("who brings it; empty: it has not left the warehouse"),
		field.String("carrier"),
		field.String("reference").Comment("what the carrier calls the parcel"),
		field.Int64("version"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of a shipment. An order has at most one, whatever is repeated. The migrations add one for what the warehouse has
// still to do.
func (Shipment) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("order_id").Unique(),
		index.Fields("state", "id"),
	}
}

// Annotations of the table.
func (Shipment) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "shipments"}}
}

// Method is a way to ship. Methods change by migration only.
type Method struct{ ent.Schema }

// Fields of a method. Money is in minor units of `currency`.
func (Method) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("name"),
		field.String("description"),
		field.Int64("rate"),
		field.Int64("free_from").Comment("orders of at least this much ship free; 0: never"),
		field.String("currency"),
		field.Int32("days"),
		field.Strings("countries"),
	}
}

// Annotations of the table.
func (Method) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "shipping_methods"}}
}
