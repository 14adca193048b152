package database

import (
	"strconv"
	"strings"

	"entgo.io/ent/dialect"
)

// rebind turns the placeholders `?` into `$1`, `$2`, … for PostgreSQL. Question marks in quotes and comments stay;
// operators that are spelled with one can't be used.
func rebind(to, query string) string {
	if to != dialect.Postgres || !strings.Contains(query, "?") {
		return query
	}
	var out strings.Builder
	out.Grow(len(query) + 16)
	n := 0
	for rest := query; rest != ""; {
		if end := opaque(rest); end > 0 {
			out.WriteString(rest[:end])
			rest = rest[end:]
			continue
		}
		if rest[0] == '?' {
			n++
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(n))
		} else {
			out.WriteByte(rest[0])
		}
		rest = rest[1:]
	}
	return out.String()
}

// opaque returns the length of the string, quoted name or comment that text begins with, or 0.
func opaque(text string) int {
	until := func(open, closing string) int {
		if !strings.HasPrefix(text, open) {
			return 0
		}
		if i := strings.Index(text[len(open):], closing); i >= 0 {
			return len(open) + i + len(closing)
		}
		return len(text)
	}
	return max(until("'", "'"), until(`"`, `"`), until("--", "\n"), until("/*", "*/"))
}
