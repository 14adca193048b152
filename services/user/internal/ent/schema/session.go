package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Session is a family of refresh tokens that goes back to one log-in, or to one guest.
type Session struct{ ent.Schema }

// Fields of a session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("subject_id").Immutable().Comment("a user's id, or a guest's, who has no other row"),
		field.Bool("guest").Immutable(),
		field.Time("created_at").Immutable(),
		field.Time("issued_at").Comment("when its newest access token was issued"),
		field.Time("expires_at").Immutable(),
		field.Time("ended_at").Nillable().Optional(),
	}
}

// Edges of a session.
func (Session) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tokens", RefreshToken.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of a session.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subject_id"),
		index.Fields("expires_at"),
		index.Fields("ended_at"),
	}
}

// Annotations of the table.
func (Session) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "sessions"}}
}

// RefreshToken is a token that was given out. Used ones are kept until the session goes, to notice a second use.
type RefreshToken struct{ ent.Schema }

// Fields of a refresh token. The id is the SHA-256 of the token, in hexadecimal.
func (RefreshToken) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("session_id").Immutable(),
		field.Time("issued_at").Immutable(),
		field.Time("used_at").Nillable().Optional(),
	}
}

// Edges of a refresh token.
func (RefreshToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("session", Session.Type).Ref("tokens").Field("session_id").Unique().Required().Immutable(),
	}
}

// Indexes of a refresh token.
func (RefreshToken) Indexes() []ent.Index {
	return []ent.Index{index.Fields("session_id")}
}

// Annotations of the table.
func (RefreshToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "refresh_tokens"}}
}
