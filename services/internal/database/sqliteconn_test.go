package database_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

func TestAQueryRunsAgainWhileItsRowsAreRead(t *testing.T) {
	require.NoError(t, databasetest.SQLite(t, bottles).Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for id := range 3 {
			_, err := tx.Exec(ctx, "INSERT INTO crates (id) VALUES (?)", id+1)
			require.NoError(t, err)
		}
		const query = "SELECT id FROM crates ORDER BY id"
		rows, err := tx.Query(ctx, query)
		require.NoError(t, err)
		defer rows.Close()
		for want := 1; rows.Next(); want++ {
			var outer, inner int
			require.NoError(t, rows.Scan(&outer))
			require.Equal(t, want, outer)
			require.NoError(t, tx.QueryRow(ctx, query).Scan(&inner))
			require.Equal(t, 1, inner)
			// More statements than are kept drive the one out whose rows are read.
			for n := range 300 {
				require.NoError(t, tx.QueryRow(ctx, fmt.Sprintf("SELECT %d", n)).Scan(&inner))
				require.Equal(t, n, inner)
			}
		}
		return rows.Err()
	}))
}

func TestAKeptStatementSeesAChangedSchema(t *testing.T) {
	db := databasetest.SQLite(t, bottles)
	columns := func() int {
		rows, err := db.Query(t.Context(), "SELECT * FROM crates")
		require.NoError(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		require.NoError(t, err)
		return len(names)
	}
	require.Equal(t, 1, columns())
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "ALTER TABLE crates ADD COLUMN colour text")
		return err
	}))
	require.Equal(t, 2, columns())
}
