package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

// TestADatabaseThatIsAway stops a server under the handlers that use it, and starts it again.
func TestADatabaseThatIsAway(t *testing.T) {
	server, err := databasetest.StartServer()
	require.NoError(t, err)
	db, err := database.Open(t.Context(), database.Config{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	var log bytes.Buffer
	shop := rpctest.New(t)
	shop.Log = slog.New(slog.NewTextHandler(&log, nil))
	unary, stream := failing(func(ctx context.Context) error {
		var one int
		if err := db.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
			return err
		}
		return connect.NewError(connect.CodeNotFound, nil) // it has read, and may end
	})
	shop.Serve("test")(newHandler(t, unary, stream, shop.Options("test")...))
	client, url := shop.Client("test")
	requireCode := func(m method, code connect.Code) {
		t.Helper()
		require.Eventually(t, func() bool {
			_, err = call(t.Context(), client, url, m, "")
			return connect.CodeOf(err) == code
		}, 10*time.Second, 10*time.Millisecond, "%v", err)
	}

	requireCode(public[0], connect.CodeNotFound)
	require.NoError(t, server.Stop())
	for _, m := range public {
		log.Reset()
		_, err := call(t.Context(), client, url, m, "")
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
		require.Equal(t, rpc.ReasonDatabaseUnavailable, info(err).GetReason())
		require.NotContains(t, err.Error(), "postgres", "causes are not told")
		require.Contains(t, log.String(), "database is away")
		require.Contains(t, log.String(), "PGSQL", "but logged")
	}
	require.NoError(t, server.Start())
	for _, m := range public {
		requireCode(m, connect.CodeNotFound)
	}
}
