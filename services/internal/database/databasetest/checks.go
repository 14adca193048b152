package databasetest

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// dropChecks removes the CHECK constraints of all tables. Ent would drop those that it doesn't know, on SQLite by making
// the whole table anew, which would hide other differences.
func dropChecks(ctx context.Context, db *database.DB) error {
	return db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if tx.Dialect() == dialect.SQLite {
			return dropSQLiteChecks(ctx, tx)
		}
		constraints, err := pairs(ctx, tx, `SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
			WHERE contype = 'c' AND conrelid <> 0 AND connamespace = current_schema()::regnamespace`)
		if err != nil {
			return err
		}
		for _, c := range constraints {
			if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", c[0], c[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropSQLiteChecks rewrites the stored text of the tables, since SQLite can't drop a constraint.
func dropSQLiteChecks(ctx context.Context, tx *database.Tx) error {
	tables, err := pairs(ctx, tx, "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL")
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "PRAGMA writable_schema = on"); err != nil {
		return err
	}
	for _, table := range tables {
		if without := withoutChecks(table[1]); without != table[1] {
			if _, err := tx.Exec(ctx, "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", without, table[0]); err != nil {
				return err
			}
		}
	}
	var version int
	if err := tx.QueryRow(ctx, "PRAGMA schema_version").Scan(&version); err != nil {
		return err
	}
	// A new version makes every connection read the tables' text again.
	_, err = tx.Exec(ctx, fmt.Sprintf("PRAGMA schema_version = %d; PRAGMA writable_schema = off", version+1))
	return err
}

var check = regexp.MustCompile(`(?i)(CONSTRAINT\s+\S+\s+)?\bCHECK\s*\(`)

// withoutChecks returns a CREATE TABLE statement without its CHECK constraints.
func withoutChecks(statement string) string {
	for {
		found := check.FindStringIndex(statement)
		if found == nil {
			return statement
		}
		before, after := strings.TrimRight(statement[:found[0]], " \t\n"), statement[closing(statement, found[1]):]
		// A constraint of the table has a comma of its own, one of a column has not.
		if rest := strings.TrimLeft(after, " \t\n"); strings.HasSuffix(before, ",") && strings.HasPrefix(rest, ",") || strings.HasPrefix(rest, ")") {
			before = strings.TrimSuffix(before, ",")
		}
		statement = before + after
	}
}

// closing returns the position after the parenthesis that closes the one before from.
func closing(text string, from int) int {
	depth, quoted := 1, false
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

func pairs(ctx context.Context, tx *database.Tx, query string) ([][2]string, error) {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all [][2]string
	for rows.Next() {
		var pair [2]string
		if err := rows.Scan(&pair[0], &pair[1]); err != nil {
			return nil, err
		}
		all = append(all, pair)
	}
	return all, rows.Err()
}
