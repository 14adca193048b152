package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Payment is the payment of an order, or the tombstone of one that was cancelled before it was heard of.
type Payment struct{ ent.Schema }

// Fields of a payment.
func (Payment) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("order_id").Immutable().Unique(),
		field.String("user_id").Immutable(),
		field.String("method").Immutable().Comment("wallet, card; empty: a tombstone"),
		field.String("state"),
		field.Int64("amount").Immutable(),
		field.String("currency").Immutable(),
		field.Int64("captured").Default(0),
		field.Int64("refunded").Default(0),
		field.Bool("cancel_requested").Default(false),
		field.String("decline_reason").Default(""),
		field.String("card_token").Default("").Sensitive().Immutable(),
		field.String("hold_id").Default("").Comment("the pending transfer; empty: no money was ever held"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Annotations of the table.
func (Payment) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "payments"}}
}

// Intent is something that the card provider is to do, kept until it is known to be done.
type Intent struct{ ent.Schema }

// Fields of an intent.
func (Intent) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("subject_id").Immutable().Comment("the payment's or the top-up's id"),
		field.String("operation").Immutable(),
		field.Bool("open").Default(true),
		field.Int("attempts").Default(0).Comment("times that somebody set out to do it"),
		field.Time("next_attempt_at").Comment("also the end of the lease of whoever is at it"),
		field.String("last_error").Default(""),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of an intent.
func (Intent) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subject_id", "operation").Unique(),
		index.Fields("next_attempt_at").Annotations(entsql.IndexWhere("open")).StorageKey("intent_due"),
	}
}

// Annotations of the table.
func (Intent) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "intents"}}
}
