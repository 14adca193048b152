package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Style is a style of beer with the ranges that are usual for it.
type Style struct{ ent.Schema }

// Fields of a style. Its id is a readable name.
func (Style) Fields() []ent.Field {
	return []ent.Field{
		field.String("id"),
		field.String("name"),
		field.String("family"),
		field.Text("description"),
		field.Float("abv_min"),
		field.Float("abv_max"),
		field.Int32("ibu_min"),
		field.Int32("ibu_max"),
		field.Float("srm_min"),
		field.Float("srm_max"),
	}
}
