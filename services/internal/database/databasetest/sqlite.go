package databasetest

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// sqliteTemplates holds migrated files by key, so that a process migrates once and copies from then on.
var sqliteTemplates = struct {
	sync.Mutex
	files map[string][]byte
}{files: make(map[string][]byte)}

// SQLite returns a new database in a file of the test's temporary folder, with the migrations applied.
func SQLite(t testing.TB, migrations ...database.Migrations) *database.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	if len(migrations) > 0 {
		require.NoError(t, os.WriteFile(path, sqliteTemplate(t, migrations), 0o600))
	}
	return open(t, "sqlite://"+path)
}

func sqliteTemplate(t testing.TB, migrations []database.Migrations) []byte {
	t.Helper()
	key := key(t, migrations)
	sqliteTemplates.Lock()
	defer sqliteTemplates.Unlock()
	if file, ok := sqliteTemplates.files[key]; ok {
		return file
	}
	path := filepath.Join(t.TempDir(), "template.db")
	require.NoError(t, migrate(t.Context(), "sqlite://"+path, migrations))
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	sqliteTemplates.files[key] = file
	return file
}
