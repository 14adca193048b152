// Package ent holds the schema of the cart service's tables and the code that ent generates from it.
package ent

//go:generate go run entgo.io/ent/cmd/ent generate --target ./db ./schema
