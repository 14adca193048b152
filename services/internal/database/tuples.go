package database

import "strings"

// Tuples returns n row constructors of width placeholders each, for VALUES and IN: Tuples(2, 3) is `(?, ?, ?), (?, ?, ?)`,
// and Tuples(1, 3) is a list of three. Both must be at least 1; a statement takes 32,766 placeholders on SQLite and
// 65,535 on PostgreSQL.
func Tuples(n, width int) string {
	row := "(?" + strings.Repeat(", ?", width-1) + ")"
	return row + strings.Repeat(", "+row, n-1)
}
