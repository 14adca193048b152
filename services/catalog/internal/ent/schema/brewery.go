package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Brewery is who brews a beer.
type Brewery struct{ ent.Schema }

// Fields of a brewery. Its id is a readable name.
func (Brewery) Fields() []ent.Field {
	return []ent.Field{
		field.String("id"),
		field.String("name"),
		field.String("city"),
		field.String("country"),
		field.Int32("founded"),
		field.Text("description"),
	}
}
