package database_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
)

func TestTuples(t *testing.T) {
	require.Equal(t, "(?)", database.Tuples(1, 1))
	require.Equal(t, "(?, ?, ?)", database.Tuples(1, 3))
	require.Equal(t, "(?), (?)", database.Tuples(2, 1))
	require.Equal(t, "(?, ?), (?, ?), (?, ?)", database.Tuples(3, 2))
	require.Panics(t, func() { _ = database.Tuples(0, 2) }, "no rows are no statement")
	require.Panics(t, func() { _ = database.Tuples(2, 0) })
}

func TestTuplesAreStatementsOnBothDatabases(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			n, err := tx.Exec(ctx, "INSERT INTO bottles (name) VALUES "+database.Tuples(3, 1), "a", "b", "c")
			require.EqualValues(t, 3, n)
			return err
		}))
		var n int
		require.NoError(t, db.QueryRow(t.Context(), "SELECT count(*) FROM bottles WHERE name IN "+database.Tuples(1, 2), "a", "c").Scan(&n))
		require.Equal(t, 2, n)
	})
}
