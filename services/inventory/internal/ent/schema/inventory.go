// Package schema describes the tables of the inventory service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Stock is what the warehouse has of one beer.
type Stock struct{ ent.Schema }

// Fields of the stock. The id is the beer's.
func (Stock) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("beer_id").Immutable(),
		field.Int32("on_hand").Comment("units in the warehouse, reserved ones included"),
		field.Int32("reserved"),
		field.Int64("version"),
	}
}

// Annotations of the table.
func (Stock) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "stock"}}
}

// Reservation is what an order holds. The id is the order's: an order reserves once, whatever is repeated. The migrations
// have a partial index besides, by which old open ones are found; PostgreSQL spells its predicate in another way than ent.
type Reservation struct{ ent.Schema }

// Fields of a reservation.
func (Reservation) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("order_id").Immutable(),
		field.String("state"),
		field.Bool("returned").Default(false),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Annotations of the table.
func (Reservation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "reservations"}}
}

// ReservationLine is the units of one beer that an order holds.
type ReservationLine struct{ ent.Schema }

// Fields of a line.
func (ReservationLine) Fields() []ent.Field {
	return []ent.Field{
		field.String("order_id").Immutable(),
		field.String("beer_id").Immutable(),
		field.Int32("quantity").Immutable(),
	}
}

// Indexes of a line.
func (ReservationLine) Indexes() []ent.Index {
	return []ent.Index{index.Fields("order_id", "beer_id").Unique(), index.Fields("beer_id")}
}

// Annotations of the table.
func (ReservationLine) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "reservation_lines"}}
}

// Movement is a change of what is on hand. Movements are never changed.
type Movement struct{ ent.Schema }

// Fields of a movement.
func (Movement) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("beer_id").Immutable(),
		field.String("kind").Immutable(),
		field.Int32("quantity").Immutable(),
		field.String("order_id").Immutable(),
		field.String("note").Immutable(),
		field.String("lot").Immutable(),
		field.String("actor_id").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of a movement. The migrations have a partial unique one besides: an order moves a beer once out and once back, even
// when the inbox has forgotten.
func (Movement) Indexes() []ent.Index {
	return []ent.Index{index.Fields("beer_id", "id")}
}

// Annotations of the table.
func (Movement) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "movements"}}
}
