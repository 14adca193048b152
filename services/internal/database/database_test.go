package database_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// bottles is a table whose names are unique and whose crates must exist when a transaction commits.
var bottles = database.Migrations{Name: "bottles", FS: fstest.MapFS{
	"sqlite/00001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE crates (
	id integer NOT NULL PRIMARY KEY CHECK (id > 0),
	CONSTRAINT small CHECK (id < (1000 + 1) AND ')' <> ''),
	CHECK (id <> 13)
);
CREATE INDEX crates_large ON crates (id) WHERE id > 100;
CREATE TABLE bottles (
	id integer PRIMARY KEY AUTOINCREMENT,
	name text NOT NULL UNIQUE,
	filled_at datetime,
	crate integer REFERENCES crates (id) DEFERRABLE INITIALLY DEFERRED
);
`)},
	"postgres/00001_init.sql": {Data: []byte(`-- +goose Up
CREATE TABLE crates (id bigint PRIMARY KEY CHECK (id > 0), CHECK (id <> 13));
CREATE INDEX crates_large ON crates (id) WHERE id > 100;
CREATE TABLE bottles (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE,
	filled_at timestamptz,
	crate bigint REFERENCES crates (id) DEFERRABLE INITIALLY DEFERRED
);
`)},
}}

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	databasetest.Each(t, []database.Migrations{bottles}, test)
}

// add returns a function for DB.Tx that adds a bottle.
func add(name string) func(ctx context.Context, tx *database.Tx) error {
	return func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO bottles (name) VALUES (?)", name)
		return err
	}
}

// names returns the committed bottles in the order of their names.
func names(t *testing.T, db *database.DB) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT name FROM bottles ORDER BY name")
	require.NoError(t, err)
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	return names
}

func TestOpenRefusesURLs(t *testing.T) {
	for url, complaint := range map[string]string{
		"":                             "sqlite:///absolute/path/name.db",
		"mysql://localhost/x":          `scheme "mysql"`,
		"sqlite://relative.db":         "absolute path",
		"sqlite:///tmp/x.db?mode=ro":   "without parameters",
		"postgres://localhost:x/shop":  "database URL",
		"postgres://localhost:1/shop?": "connecting to shop on localhost",
	} {
		_, err := database.Open(t.Context(), database.Config{URL: url})
		require.ErrorContains(t, err, complaint, "URL %q", url)
	}
}

func TestOpenSQLiteMakesItsFolder(t *testing.T) {
	escaped := filepath.Join(t.TempDir(), "shop%20%26%20co%3F", "100%25", "order.db")
	db, err := database.Open(t.Context(), database.Config{URL: "sqlite://" + escaped})
	require.NoError(t, err)
	require.NoError(t, db.Ping(t.Context()))
	require.NoError(t, db.Close())
	require.FileExists(t, filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(escaped))), "shop & co?", "100%", "order.db"))
}

func TestSQLiteSettings(t *testing.T) {
	db := databasetest.SQLite(t)
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
			var got string
			require.NoError(t, tx.QueryRow(ctx, "PRAGMA "+pragma).Scan(&got))
			require.Equal(t, want, got, pragma)
		}
		return nil
	}))

	reader := db.Reader().(*entsql.Driver)
	_, err := reader.ExecContext(t.Context(), "CREATE TABLE x (id integer)")
	require.ErrorContains(t, err, "readonly")
}

func TestTimesAreUTCAndKeepTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		base := time.Date(2026, 7, 1, 23, 59, 59, 0, time.UTC)
		filled := map[string]time.Time{
			"a": base.In(time.FixedZone("east", 5*3600)),
			"b": base.Add(time.Microsecond).In(time.FixedZone("west", -8*3600)),
			"c": base.Add(100 * time.Millisecond),
			"d": base.Add(time.Second).In(time.FixedZone("half", 5*3600+1800)),
		}
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for name, at := range filled {
				if _, err := tx.Exec(ctx, "INSERT INTO bottles (name, filled_at) VALUES (?, ?)", name, at); err != nil {
					return err
				}
			}
			return nil
		}))

		rows, err := db.Query(t.Context(), "SELECT name, filled_at FROM bottles WHERE filled_at > ? ORDER BY filled_at", base.Local())
		require.NoError(t, err)
		defer rows.Close()
		var order string
		for rows.Next() {
			var name string
			var at time.Time
			require.NoError(t, rows.Scan(&name, &at))
			require.Equal(t, filled[name].UTC(), at, "equal to the zone")
			order += name
		}
		require.NoError(t, rows.Err())
		require.Equal(t, "bcd", order)
	})
}

func TestNowIsUTCInMicroseconds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("x", 3600))
	db, err := database.Open(t.Context(), database.Config{
		URL:   "sqlite://" + filepath.Join(t.TempDir(), "x.db"),
		Clock: func() time.Time { return at },
	})
	require.NoError(t, err)
	defer db.Close()
	require.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 6000, time.UTC), db.Now())
}

func TestRebind(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                            "SELECT 1",
		"a = ? AND b IN (?, ?)":               "a = $1 AND b IN ($2, $3)",
		"a = '?' AND b = ?":                   "a = '?' AND b = $1",
		"a = 'it''s ?' AND b = ?":             "a = 'it''s ?' AND b = $1",
		`"odd?name" = ?`:                      `"odd?name" = $1`,
		"a = ? -- why?\nAND b = ?":            "a = $1 -- why?\nAND b = $2",
		"/* what? */ a = ?":                   "/* what? */ a = $1",
		"a = ? AND b = 'never closed ?":       "a = $1 AND b = 'never closed ?",
		"? ? ? ? ? ? ? ? ? ? ?":               "$1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11",
		"name = 'Grüner Veltliner?' AND x=?;": "name = 'Grüner Veltliner?' AND x=$1;",
	} {
		require.Equal(t, want, database.Rebind(dialect.Postgres, query))
		require.Equal(t, query, database.Rebind(dialect.SQLite, query))
	}
}

func TestSignalCoalesces(t *testing.T) {
	db := databasetest.SQLite(t)
	signal := db.Signal("outbox")
	signal.Notify()
	db.Signal("outbox").Notify()
	db.Signal("other").Notify()

	<-signal.C()
	select {
	case <-signal.C():
		require.Fail(t, "two notifications are one wake-up")
	default:
	}
}
