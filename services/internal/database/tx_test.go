package database_test

import (
	"context"
	"errors"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

var errStop = errors.New("stop")

func TestTxCommits(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		var events []string
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.AfterCommit(func() { events = append(events, "first sees "+names(t, db)[0]) })
			tx.AfterCommit(func() { events = append(events, "second") })
			require.NoError(t, add("a")(ctx, tx))
			require.Empty(t, names(t, db), "nobody else sees it yet")

			affected, err := tx.Exec(ctx, "UPDATE bottles SET name = ? WHERE name = ?", "b", "a")
			require.NoError(t, err)
			require.EqualValues(t, 1, affected)
			affected, err = tx.Exec(ctx, "UPDATE bottles SET name = ? WHERE name = ?", "c", "a")
			require.NoError(t, err)
			require.Zero(t, affected)
			require.Empty(t, events)
			return nil
		}))
		require.Equal(t, []string{"b"}, names(t, db))
		require.Equal(t, []string{"first sees b", "second"}, events)
	})
}

func TestTxRollsBack(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		hook := func() { t.Error("a hook ran without a commit") }
		ctx, cancel := context.WithCancel(t.Context())
		for name, end := range map[string]func(){"error": func() {}, "context": cancel, "panic": func() { panic("broken bottle") }} {
			run := func() error {
				return db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
					tx.AfterCommit(hook)
					require.NoError(t, add(name)(ctx, tx))
					end()
					if name == "context" {
						return nil
					}
					return errStop
				})
			}
			switch name {
			case "panic":
				require.PanicsWithValue(t, "broken bottle", func() { _ = run() })
			case "context":
				require.ErrorIs(t, run(), context.Canceled)
				ctx = t.Context()
			default:
				require.ErrorIs(t, run(), errStop)
			}
			require.Empty(t, names(t, db))
		}
		require.NoError(t, db.Tx(t.Context(), add("usable afterwards")))
	})
}

func TestFailedStatementDoomsTx(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		require.NoError(t, db.Tx(t.Context(), add("taken")))
		err := db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			require.NoError(t, add("new")(ctx, tx))
			require.Error(t, add("taken")(ctx, tx))
			require.ErrorContains(t, add("later")(ctx, tx), "an earlier statement")
			_, err := tx.Query(ctx, "SELECT 1")
			require.ErrorContains(t, err, "an earlier statement")
			return nil
		})
		require.Error(t, err, "swallowing the error does not help")
		require.Equal(t, []string{"taken"}, names(t, db))

		err = db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.Doom(errStop)
			return nil
		})
		require.ErrorIs(t, err, errStop)
	})
}

func TestCommitFailure(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.AfterCommit(func() { t.Error("a hook ran without a commit") })
			_, err := tx.Exec(ctx, "INSERT INTO bottles (name, crate) VALUES ('a', 404)")
			require.NoError(t, err)
			return nil
		})
		require.ErrorContains(t, err, "committing")
		require.Empty(t, names(t, db))
		require.NoError(t, db.Tx(t.Context(), add("usable afterwards")))
	})
}

func TestNestedTxIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		other := databasetest.SQLite(t, bottles)
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, _ *database.Tx) error {
			require.ErrorContains(t, db.Tx(ctx, add("a")), "inside another")
			require.ErrorContains(t, db.GroupTx(ctx, add("a")), "inside another")
			require.NoError(t, other.Tx(ctx, add("a")), "another database is another matter")
			return nil
		}))
	})
}

func TestEntDriverWorksInsideTx(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		run := func(end error) error {
			return db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				driver := tx.Driver()
				require.Equal(t, db.Dialect(), driver.Dialect())
				nested, err := driver.Tx(ctx)
				require.NoError(t, err)
				query, args := entsql.Dialect(driver.Dialect()).Insert("bottles").Columns("name").Values("ent").Query()
				var result entsql.Result
				require.NoError(t, nested.Exec(ctx, query, args, &result))
				require.NoError(t, nested.Commit())

				var rows entsql.Rows
				query, args = entsql.Dialect(driver.Dialect()).Select("name").From(entsql.Table("bottles")).Where(entsql.EQ("name", "ent")).Query()
				require.NoError(t, driver.Query(ctx, query, args, &rows))
				name, err := entsql.ScanString(rows)
				require.NoError(t, err)
				require.Equal(t, "ent", name)
				require.NoError(t, rows.Close())
				require.NoError(t, driver.Close(), "closing it leaves the transaction alone")
				return end
			})
		}
		require.ErrorIs(t, run(errStop), errStop)
		require.Empty(t, names(t, db), "ent's commit is not ours")
		require.NoError(t, run(nil))
		require.Equal(t, []string{"ent"}, names(t, db))
	})
}

// conflict makes a statement fail as PostgreSQL does for a transaction that lost against another.
const conflict = `DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`

func TestSerializationFailuresAreTriedAgain(t *testing.T) {
	db := databasetest.Postgres(t, bottles)
	for name, transact := range map[string]func(context.Context, func(context.Context, *database.Tx) error) error{"Tx": db.Tx, "GroupTx": db.GroupTx} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			require.NoError(t, transact(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if tries++; tries < 3 {
					require.NoError(t, add("from a lost try")(ctx, tx))
					_, err := tx.Exec(ctx, conflict)
					require.Error(t, err)
					return errStop // which hides it
				}
				return add(name)(ctx, tx)
			}))
			require.Equal(t, 3, tries)
			require.Contains(t, names(t, db), name)
			require.NotContains(t, names(t, db), "from a lost try")
		})
	}
	t.Run("bounded", func(t *testing.T) {
		tries := 0
		err := db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tries++
			_, err := tx.Exec(ctx, conflict)
			return err
		})
		require.ErrorContains(t, err, "40001")
		require.Greater(t, tries, 2)
		require.Less(t, tries, 20)
	})
}

func TestDeadlocksAreTriedAgain(t *testing.T) {
	db := databasetest.Postgres(t, bottles)
	require.NoError(t, db.Tx(t.Context(), add("a")))
	require.NoError(t, db.Tx(t.Context(), add("b")))

	rename := func(ctx context.Context, tx *database.Tx, name string) error {
		_, err := tx.Exec(ctx, "UPDATE bottles SET filled_at = now() WHERE name = ?", name)
		return err
	}
	met := make(chan struct{}, 2) // both hold their first row
	cross := func(first, second string) error {
		tries := 0
		return db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if err := rename(ctx, tx, first); err != nil {
				return err
			}
			if tries++; tries == 1 {
				met <- struct{}{}
				require.Eventually(t, func() bool { return len(met) == 2 }, testTimeout, testTick)
			}
			return rename(ctx, tx, second)
		})
	}
	done := make(chan error, 1)
	go func() { done <- cross("a", "b") }()
	require.NoError(t, cross("b", "a"))
	require.NoError(t, <-done)
}
