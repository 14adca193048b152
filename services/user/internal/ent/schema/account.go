// Package schema describes the tables of the user service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// User is the state of an account: what its events amount to.
type User struct{ ent.Schema }

// Fields of a user. A deleted account keeps its row, without anything that tells whose it was.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("email").Nillable().Optional().Comment("as given; null once deleted"),
		field.String("email_key").Nillable().Optional().Comment("in lower case; null once deleted, so that it is free again"),
		field.String("display_name"),
		field.String("role"),
		field.Int64("version").Comment("the number of the account's events"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
		field.Time("deleted_at").Nillable().Optional(),
	}
}

// Indexes of a user. The migrations add one of the members of staff, whom the guard of the last one counts.
func (User) Indexes() []ent.Index {
	return []ent.Index{index.Fields("email_key").Unique()}
}

// Annotations of the table.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "users"}}
}

// UserEvent is one thing that happened to an account. Rows are only ever added.
type UserEvent struct{ ent.Schema }

// Fields of an event.
func (UserEvent) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("user_id").Immutable(),
		field.Int64("version").Immutable().Comment("the account's version after it, from 1 without gaps"),
		field.String("type").Immutable(),
		field.String("actor_id").Immutable(),
		field.String("role").Immutable().Default("").Comment("the role that the account has from then on; empty: unchanged"),
		field.Bytes("sealed").Immutable().Optional().Comment("personal data, encrypted with the person's key"),
		field.Time("occurred_at").Immutable(),
	}
}

// Indexes of an event.
func (UserEvent) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "version").Unique()}
}

// Annotations of the table.
func (UserEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "user_events"}}
}

// PersonKey is the key under which a person's events are encrypted. Deleting it makes them unreadable for good.
type PersonKey struct{ ent.Schema }

// Fields of a key. The id is the user's.
func (PersonKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Bytes("wrapped").Comment("encrypted with the master key, which is not in the database"),
		field.Time("created_at").Immutable(),
	}
}

// Annotations of the table.
func (PersonKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "person_keys"}}
}

// Credential is what a password is checked against. It is no part of the account's history: old hashes are not kept.
type Credential struct{ ent.Schema }

// Fields of a credential. The id is the user's.
func (Credential) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("hash").Sensitive(),
		field.Int64("generation").Default(1).Comment("grows with each new password, and not when the same one is hashed anew"),
		field.Time("changed_at"),
	}
}

// Annotations of the table.
func (Credential) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "credentials"}}
}
