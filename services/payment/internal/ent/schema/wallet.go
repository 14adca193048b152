package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Wallet is a customer's balance, changed in the transaction that books a transfer.
type Wallet struct{ ent.Schema }

// Fields of a wallet; its id is the customer's.
func (Wallet) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable().StorageKey("user_id"),
		field.String("currency").Immutable(),
		field.Int64("balance").Default(0).Comment("holds included"),
		field.Int64("held").Default(0),
		field.Int64("incoming").Default(0).Comment("top-ups whose outcome is not known yet"),
		field.Int64("version").Default(0),
		field.String("hold_id").Default("").Comment("who asked last that it be not topped up; empty: nobody ever did"),
		field.Time("held_until").Optional().Nillable().Comment("it is not topped up before"),
		field.Time("updated_at"),
	}
}

// Annotations of the table.
func (Wallet) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "wallets"}}
}

// TopUp is one customer's wish to move money from a card into the wallet, and what became of it.
type TopUp struct{ ent.Schema }

// Fields of a top-up; its id derives from the customer's and the request's.
func (TopUp) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("user_id").Immutable(),
		field.String("request_id").Immutable(),
		field.String("card_id").Immutable(),
		field.String("card_token").Immutable().Sensitive(),
		field.Int64("amount").Immutable(),
		field.String("currency").Immutable(),
		field.String("state"),
		field.String("decline_reason").Default(""),
		field.Int64("wallet_balance").Default(0).Comment("the answer as first given"),
		field.Int64("wallet_held").Default(0),
		field.Int64("wallet_version").Default(0),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes of a top-up.
func (TopUp) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "request_id").Unique()}
}

// Annotations of the table.
func (TopUp) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "top_ups"}}
}

// Card is a saved card: what the provider gave for its number, and what a person needs to know it again.
type Card struct{ ent.Schema }

// Fields of a card.
func (Card) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("user_id").Immutable(),
		field.String("token").Immutable().Sensitive(),
		field.String("brand").Immutable(),
		field.String("last4").Immutable(),
		field.Int("exp_month").Immutable(),
		field.Int("exp_year").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of a card.
func (Card) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "id")}
}

// Annotations of the table.
func (Card) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "cards"}}
}
