// Package ent holds the catalogue's schema (schema, written by hand) and the code that ent makes of it (db).
package ent

//go:generate go run entgo.io/ent/cmd/ent generate --target ./db --feature sql/execquery,sql/lock,sql/upsert ./schema
