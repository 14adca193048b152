package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
)

// TestADatabaseThatGoesAway stops a server under connections of each kind and starts it again.
func TestADatabaseThatGoesAway(t *testing.T) {
	server, err := databasetest.StartServer()
	require.NoError(t, err)
	db, err := database.Open(t.Context(), database.Config{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	exec := func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO beers VALUES (1)")
		return err
	}
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "CREATE TABLE beers (id int)")
		return err
	}))
	read := func() error {
		var n int
		return db.QueryRow(t.Context(), "SELECT count(*) FROM beers").Scan(&n)
	}
	stop := func() { require.NoError(t, server.Stop()) }
	away := func(what string, err error) {
		t.Helper()
		require.Error(t, err, what)
		require.True(t, database.IsUnavailable(err), "%s: %v", what, err)
	}

	away("a statement of a transaction", db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		require.NoError(t, exec(ctx, tx))
		stop()
		return exec(ctx, tx)
	}))
	away("a read", read())
	away("a transaction", db.Tx(t.Context(), exec))
	away("a transaction of a group", db.GroupTx(t.Context(), exec))
	away("a ping", db.Ping(t.Context()))
	_, err = database.Open(t.Context(), database.Config{URL: server.URL})
	away("the first connection", err)

	require.NoError(t, server.Start())
	require.Eventually(t, func() bool { return read() == nil }, 10*time.Second, 10*time.Millisecond, "it is found again")
	away("a commit", db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		defer stop()
		return exec(ctx, tx)
	}))
	require.NoError(t, server.Start())
	require.Eventually(t, func() bool { return db.Tx(t.Context(), exec) == nil }, 10*time.Second, 10*time.Millisecond)
	stop()
	away("a read over a connection that was good a moment ago", read())
}

func TestOtherFailuresAreNotOfADatabaseThatIsAway(t *testing.T) {
	databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
		var n int
		err := db.QueryRow(t.Context(), "SELECT nothing FROM nowhere").Scan(&n)
		require.Error(t, err)
		require.False(t, database.IsUnavailable(err), "%v", err)
	})
	_, err := database.Open(t.Context(), database.Config{URL: "sqlite:///dev/null/no.db"})
	require.Error(t, err)
	for _, err := range []error{err, nil, errors.New("other"), context.DeadlineExceeded} {
		require.False(t, database.IsUnavailable(err), "%v", err)
	}
}
