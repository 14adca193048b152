package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Transfer is an immutable movement of money between ledger accounts.
type Transfer struct{ ent.Schema }

// Fields of a transfer.
func (Transfer) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("kind").Immutable(),
		field.String("reference").Immutable().Comment("the order's or the top-up's id"),
		field.String("resolves").Immutable().Optional().Nillable().Unique().Comment("the hold that it ends"),
		field.String("wallet_id").Immutable().Default("").Comment("whose wallet it moves; empty: nobody's"),
		field.Int64("amount").Immutable(),
		field.String("currency").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of a transfer: its natural key, and what lists need.
func (Transfer) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("reference", "kind").Unique(),
		index.Fields("wallet_id", "id"),
	}
}

// Annotations of the table.
func (Transfer) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "transfers"}}
}

// Entry is what a transfer does to one account.
type Entry struct{ ent.Schema }

// Fields of an entry.
func (Entry) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Immutable(),
		field.String("transfer_id").Immutable(),
		field.String("account").Immutable(),
		field.String("wallet_id").Immutable().Default("").Comment("the customer's id when the account is a wallet"),
		field.String("currency").Immutable(),
		field.Int64("posted").Immutable(),
		field.Int64("pending").Immutable(),
	}
}

// Indexes of an entry.
func (Entry) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("transfer_id", "account", "wallet_id").Unique(),
	}
}

// Annotations of the table.
func (Entry) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "entries"}}
}
