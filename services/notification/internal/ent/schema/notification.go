// Package schema describes the tables of the notification service.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Mailbox counts the notifications of a user. The id is the user's.
type Mailbox struct{ ent.Schema }

// Fields of a mailbox.
func (Mailbox) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("user_id").Immutable(),
		field.Int64("last_number").Comment("of the newest notification; numbers have no gaps"),
		field.Int64("read_up_to"),
	}
}

// Annotations of the table.
func (Mailbox) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "mailboxes"}}
}

// Notification is something that a user is told. Notifications are never changed.
type Notification struct{ ent.Schema }

// Fields of a notification.
func (Notification) Fields() []ent.Field {
	return []ent.Field{
		field.String("user_id").Immutable(),
		field.Int64("number").Immutable(),
		field.String("event_id").Immutable(),
		field.String("type").Immutable(),
		field.String("order_id").Immutable(),
		field.String("state").Immutable(),
		field.Int64("version").Immutable(),
		field.String("title").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of a notification. An event is told once, even when the inbox has forgotten it.
func (Notification) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "number").Unique(), index.Fields("user_id", "event_id").Unique()}
}

// Annotations of the table.
func (Notification) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "notifications"}}
}
