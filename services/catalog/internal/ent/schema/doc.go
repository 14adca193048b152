// Package schema says which tables the catalogue has. Indexes for search and sorting, checks and the tables that ent
// does not know (catalogue, beer_texts) stand in the migrations.
package schema
