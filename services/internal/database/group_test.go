package database_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

const (
	testTimeout = 30 * time.Second
	testTick    = time.Millisecond
)

// occupy keeps the leader busy until release is called, so that whoever comes in between shares one group.
func occupy(t *testing.T, db *database.DB) (release func()) {
	t.Helper()
	running, hold := make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		if err := db.GroupTx(t.Context(), func(context.Context, *database.Tx) error {
			close(running)
			<-hold
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-running
	return sync.OnceFunc(func() {
		close(hold)
		busy.Wait()
	})
}

// join calls GroupTx in the background and returns once it waits for a group.
func join(t *testing.T, db *database.DB, call func() error) <-chan error {
	t.Helper()
	before := db.Waiting()
	done := make(chan error, 1)
	go func() { done <- call() }()
	require.Eventually(t, func() bool { return db.Waiting() == before+1 }, testTimeout, testTick)
	return done
}

func TestGroupTxKeepsWhatSucceeds(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		const members = 32
		var hooks atomic.Int32
		var all sync.WaitGroup
		for i := range members {
			all.Go(func() {
				for round := range 4 {
					err := db.GroupTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
						tx.AfterCommit(func() { hooks.Add(1) })
						if err := add(fmt.Sprintf("%d-%d", i, round))(ctx, tx); err != nil {
							return err
						}
						if round == 1 {
							return errStop
						}
						return nil
					})
					if round == 1 {
						if !errors.Is(err, errStop) {
							t.Error(err)
						}
					} else if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		require.Len(t, names(t, db), members*3)
		require.EqualValues(t, members*3, hooks.Load())
	})
}

func TestGroupMembersFailAlone(t *testing.T) {
	db := databasetest.SQLite(t, bottles)
	require.NoError(t, db.Tx(t.Context(), add("taken")))
	ctx, cancel := context.WithCancel(t.Context())
	release := occupy(t, db)

	member := func(fn func(ctx context.Context, tx *database.Tx) error) <-chan error {
		return join(t, db, func() error { return db.GroupTx(t.Context(), fn) })
	}
	failing := func(name string, then func(ctx context.Context, tx *database.Tx) error) func(ctx context.Context, tx *database.Tx) error {
		return func(ctx context.Context, tx *database.Tx) error {
			tx.AfterCommit(func() { t.Errorf("hook of %q ran", name) })
			if err := add(name)(ctx, tx); err != nil {
				return err
			}
			return then(ctx, tx)
		}
	}
	first := member(add("first"))
	refused := member(failing("refused", func(context.Context, *database.Tx) error { return errStop }))
	unique := member(failing("unique", add("taken")))
	swallowed := member(failing("swallowed", func(ctx context.Context, tx *database.Tx) error {
		_ = add("taken")(ctx, tx)
		return nil
	}))
	panicked := make(chan any, 1)
	join(t, db, func() error {
		defer func() { panicked <- recover() }()
		return db.GroupTx(t.Context(), failing("panicking", func(context.Context, *database.Tx) error { panic("broken bottle") }))
	})
	exited := make(chan struct{})
	join(t, db, func() error {
		defer close(exited)
		return db.GroupTx(t.Context(), failing("exiting", func(context.Context, *database.Tx) error {
			runtime.Goexit()
			return nil
		}))
	})
	canceled := join(t, db, func() error {
		return db.GroupTx(ctx, failing("canceled", func(ctx context.Context, tx *database.Tx) error {
			cancel()
			require.ErrorIs(t, add("too late")(ctx, tx), context.Canceled)
			return nil
		}))
	})
	last := member(func(ctx context.Context, tx *database.Tx) error {
		var n int
		require.NoError(t, tx.QueryRow(ctx, "SELECT count(*) FROM bottles WHERE name = ?", "first").Scan(&n))
		require.Equal(t, 1, n, "members of a group share one transaction")
		return add("last")(ctx, tx)
	})

	release()
	require.NoError(t, <-first)
	require.ErrorIs(t, <-refused, errStop)
	require.Error(t, <-unique)
	require.Error(t, <-swallowed)
	require.Equal(t, "broken bottle", <-panicked)
	<-exited
	require.ErrorIs(t, <-canceled, context.Canceled)
	require.NoError(t, <-last)
	require.Equal(t, []string{"first", "last", "taken"}, names(t, db))
}

func TestGroupSharesACommitFailure(t *testing.T) {
	db := databasetest.SQLite(t, bottles)
	release := occupy(t, db)
	member := func(fn func(ctx context.Context, tx *database.Tx) error) <-chan error {
		return join(t, db, func() error {
			return db.GroupTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				tx.AfterCommit(func() { t.Error("a hook ran without a commit") })
				return fn(ctx, tx)
			})
		})
	}
	good := member(add("good"))
	bad := member(func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO bottles (name, crate) VALUES ('bad', 404)")
		return err
	})
	refused := member(func(context.Context, *database.Tx) error { return errStop })
	misled := join(t, db, func() error {
		return db.GroupTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			var n int
			require.NoError(t, tx.QueryRow(ctx, "SELECT count(*) FROM bottles WHERE name = ?", "good").Scan(&n))
			if n > 0 {
				return errStop
			}
			return add("misled")(ctx, tx)
		})
	})
	release()
	require.ErrorContains(t, <-good, "committing")
	require.ErrorContains(t, <-bad, "committing")
	require.ErrorIs(t, <-refused, errStop)
	require.NoError(t, <-misled, "nobody is refused because of what never was")
	require.Equal(t, []string{"misled"}, names(t, db))
	require.NoError(t, db.GroupTx(t.Context(), add("usable afterwards")))
}

func TestBrokenGroupRunsItsMembersAlone(t *testing.T) {
	db := databasetest.SQLite(t, bottles)
	release := occupy(t, db)
	first := join(t, db, func() error { return db.GroupTx(t.Context(), add("first")) })
	tries := 0
	breaking := join(t, db, func() error {
		return db.GroupTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if tries++; tries > 1 {
				return add("breaking")(ctx, tx)
			}
			_, err := tx.Exec(ctx, "ROLLBACK")
			require.NoError(t, err)
			return errStop
		})
	})
	last := join(t, db, func() error { return db.GroupTx(t.Context(), add("last")) })
	release()
	require.NoError(t, <-first)
	require.NoError(t, <-breaking)
	require.NoError(t, <-last)
	require.Equal(t, []string{"breaking", "first", "last"}, names(t, db))
}

func TestCanceledWhileWaitingNeverRuns(t *testing.T) {
	db := databasetest.SQLite(t, bottles)
	release := occupy(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	gone := join(t, db, func() error {
		return db.GroupTx(ctx, func(context.Context, *database.Tx) error {
			t.Error("ran although nobody waits for it")
			return nil
		})
	})
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled, "it returns at once")
	stays := join(t, db, func() error { return db.GroupTx(t.Context(), add("stays")) })
	release()
	require.NoError(t, <-stays)
	require.ErrorIs(t, db.GroupTx(ctx, add("never")), context.Canceled)
	require.Equal(t, []string{"stays"}, names(t, db))
}

// BenchmarkCommit compares one commit for each with shared commits, 32 goroutines at once. The PostgreSQL server that tests
// start does not sync to disk: set TAPROOM_TEST_POSTGRES to one that does for numbers that mean something.
func BenchmarkCommit(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...database.Migrations) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		db := open(b, bottles)
		var n atomic.Int64
		for kind, transact := range map[string]func(context.Context, func(context.Context, *database.Tx) error) error{"Tx": db.Tx, "GroupTx": db.GroupTx} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.SetParallelism(32 / runtime.GOMAXPROCS(0))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := transact(b.Context(), add(fmt.Sprint(n.Add(1)))); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
