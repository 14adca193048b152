// Package databasetest gives tests empty, migrated databases of both kinds.
package databasetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Each runs test twice, as subtests "sqlite" and "postgres", each time with a new database that has the migrations applied.
func Each(t *testing.T, migrations []database.Migrations, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, migrations...)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t, migrations...)) })
}

// AssertCurrent fails when migrations and ent's schema differ. Pass the ent client's way to write the statements that would
// bring the database to its schema:
//
//	databasetest.AssertCurrent(t, db, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
//		return entdb.NewClient(entdb.Driver(driver)).Schema.WriteTo(ctx, w)
//	})
//
// Tables, columns, indexes and checks that only the migrations know are no difference. The database is of no further use:
// its checks are gone.
func AssertCurrent(t testing.TB, db *database.DB, write func(ctx context.Context, driver dialect.Driver, w io.Writer) error) {
	t.Helper()
	require.NoError(t, dropChecks(t.Context(), db))
	var out strings.Builder
	require.NoError(t, write(t.Context(), db.Reader(), &out))
	var missing []string
	for line := range strings.Lines(out.String()) {
		switch line = strings.TrimSpace(line); {
		case line == "", line == "BEGIN;", line == "COMMIT;", strings.HasPrefix(line, "--"), strings.HasPrefix(line, "PRAGMA foreign_keys"):
		default:
			missing = append(missing, line)
		}
	}
	require.Empty(t, missing, "on %s the migrations differ from ent's schema, which would still run these statements", db.Dialect())
}

// key names a set of migrations by its content.
func key(t testing.TB, migrations []database.Migrations) string {
	t.Helper()
	hash := sha256.New()
	for _, m := range migrations {
		fmt.Fprintf(hash, "%s\n", m.Name)
		require.NoError(t, fs.WalkDir(m.FS, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(m.FS, path)
			fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content)
			return err
		}))
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// open opens a database that is closed when the test ends.
func open(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{URL: url})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// migrate makes what a template is copied from.
func migrate(ctx context.Context, url string, migrations []database.Migrations) error {
	db, err := database.Open(ctx, database.Config{URL: url})
	if err != nil {
		return err
	}
	return errors.Join(database.Migrate(ctx, db, migrations...), db.Close())
}
