// Package db is what ent generates from the schema of the shipping service's tables.
package db
