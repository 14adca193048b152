package database

import "context"

// insideKey marks contexts that belong to a transaction of db.
type insideKey struct{ db *DB }

func inside(ctx context.Context, db *DB) context.Context {
	return context.WithValue(ctx, insideKey{db}, true)
}

func within(ctx context.Context, db *DB) bool { return ctx.Value(insideKey{db}) != nil }

// scope returns the context that a statement runs under. Alone, that is the caller's. In a group, ending a statement half
// way would break the transaction, and with it the work of others: a caller's context that is done stops statements from
// starting, and only the group's own ends those under way.
func (tx *Tx) scope(ctx context.Context) context.Context {
	if tx.bound == nil || ctx.Err() != nil {
		return ctx // database/sql starts nothing under a context that is done
	}
	return split{Context: tx.bound, values: ctx}
}

// split ends with its Context and has the values of another.
type split struct {
	context.Context
	values context.Context
}

// Value looks the key up in values.
func (s split) Value(key any) any { return s.values.Value(key) }
