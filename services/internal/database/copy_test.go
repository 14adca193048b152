package database_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// TestAFileIsCopiedBeforeItIsMigrated goes through the versions of a program, with data from the first on.
func TestAFileIsCopiedBeforeItIsMigrated(t *testing.T) {
	var log bytes.Buffer
	folder := filepath.Join(t.TempDir(), "a [folder]")
	file := filepath.Join(folder, "shop.db")
	copies := func() []string {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		names := []string{}
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) != ".db" {
				names = append(names, entry.Name())
			}
		}
		return names
	}
	steps := []string{makeCrates, nameCrates}
	for i := range 4 {
		steps = append(steps, fmt.Sprintf("ALTER TABLE crates ADD COLUMN c%d text", i))
	}
	open := func(file string, use func(db *database.DB)) {
		db, err := database.Open(t.Context(), database.Config{URL: "sqlite://" + file})
		require.NoError(t, err)
		use(db)
		require.NoError(t, db.Close())
	}
	migrate := func(versions int) {
		log.Reset()
		open(file, func(db *database.DB) {
			require.NoError(t, database.MigrateKeepingCopy(t.Context(), db, slog.New(slog.NewTextHandler(&log, nil)), crates(steps[:versions]...)))
			require.NoError(t, database.Check(t.Context(), db, crates(steps[:versions]...)))
		})
	}

	migrate(1)
	require.Empty(t, copies(), "there was nothing to lose")
	open(file, func(db *database.DB) {
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO crates VALUES (7)")
			return err
		}))
	})
	migrate(1)
	require.Empty(t, copies(), "nothing changes")
	require.Empty(t, log.String())

	migrate(2)
	require.Equal(t, []string{"shop.db.copy.crates-1"}, copies())
	require.Contains(t, log.String(), "shop.db.copy.crates-1")
	open(filepath.Join(folder, copies()[0]), func(db *database.DB) {
		require.NoError(t, database.Check(t.Context(), db, crates(steps[:1]...)), "the copy is what was there before")
		var id int
		require.NoError(t, db.QueryRow(t.Context(), "SELECT id FROM crates").Scan(&id))
		require.Equal(t, 7, id)
	})

	for versions := 3; versions <= len(steps); versions++ {
		for i, name := range copies() { // as if days lay between
			at := time.Now().Add(time.Duration(i-10) * time.Hour)
			require.NoError(t, os.Chtimes(filepath.Join(folder, name), at, at))
		}
		migrate(versions)
	}
	require.Equal(t, []string{"shop.db.copy.crates-3", "shop.db.copy.crates-4", "shop.db.copy.crates-5"}, copies(), "the newest stay")

	// A file that can't be copied is left as it is.
	require.NoError(t, os.Mkdir(filepath.Join(folder, "shop.db.copy.crates-6"), 0o700))
	steps = append(steps, "ALTER TABLE crates ADD COLUMN last text")
	open(file, func(db *database.DB) {
		require.Error(t, database.MigrateKeepingCopy(t.Context(), db, slog.New(slog.DiscardHandler), crates(steps...)))
		require.NoError(t, database.Check(t.Context(), db, crates(steps[:6]...)))
	})
}

func TestPostgresIsMigratedWithoutACopy(t *testing.T) {
	db := databasetest.Postgres(t)
	log := slog.New(slog.DiscardHandler)
	require.NoError(t, database.MigrateKeepingCopy(t.Context(), db, log, crates(makeCrates)))
	require.NoError(t, database.MigrateKeepingCopy(t.Context(), db, log, crates(makeCrates, nameCrates)))
	require.NoError(t, database.Check(t.Context(), db, crates(makeCrates, nameCrates)))
}
