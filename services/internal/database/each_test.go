package database_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
)

func TestExecEachRunsAStatementForEachRow(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		now := time.Now()
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			affected, err := tx.ExecEach(ctx, "INSERT INTO bottles (name, filled_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
				[][]any{{"a", now}, {"b", now}, {"a", now}, {"c", nil}})
			require.NoError(t, err)
			require.Equal(t, []int64{1, 1, 0, 1}, affected)
			affected, err = tx.ExecEach(ctx, "UPDATE bottles SET name = ? WHERE name = ?", [][]any{{"d", "c"}})
			require.NoError(t, err)
			require.Equal(t, []int64{1}, affected)
			affected, err = tx.ExecEach(ctx, "UPDATE bottles SET name = ? WHERE name = ?", nil)
			require.NoError(t, err)
			require.Empty(t, affected)
			return add("e")(ctx, tx)
		}))
		require.Equal(t, []string{"a", "b", "d", "e"}, names(t, db))
	})
}

func TestExecEachThatFailsDoomsTx(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.ExecEach(ctx, "INSERT INTO bottles (name) VALUES (?)", [][]any{{"a"}, {"b"}, {"a"}, {"c"}})
			require.Error(t, err)
			_, err = tx.ExecEach(ctx, "INSERT INTO bottles (name) VALUES (?)", [][]any{{"d"}, {"e"}})
			require.ErrorContains(t, err, "an earlier statement")
			return nil
		})
		require.Error(t, err)
		require.Empty(t, names(t, db))
		require.NoError(t, db.Tx(t.Context(), add("usable afterwards")))
	})
}

func TestExecEachEndsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
			cancel()
			_, err := tx.ExecEach(ctx, "INSERT INTO bottles (name) VALUES (?)", [][]any{{"a"}, {"b"}})
			return err
		}), context.Canceled)
		require.Empty(t, names(t, db))
		require.NoError(t, db.Tx(t.Context(), add("usable afterwards")))
	})
}
