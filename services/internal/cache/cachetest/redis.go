// Package cachetest starts Redis for tests.
package cachetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// keeper runs a server and ends it when its standard input closes: that happens when the test process ends, in whatever
// way. The server stands in the keeper's own process group, out of reach of a terminal's Ctrl-C.
const keeper = `
redis-server --port 0 --unixsocket "$1/redis.sock" --dir "$1" --save '' --appendonly no >"$1/redis.log" 2>&1 </dev/null &
cat >/dev/null
kill -KILL $!
`

// Each runs test twice, as subtests "miniredis" and "redis", each time with an empty Redis. stop ends the server early.
func Each(t *testing.T, test func(t *testing.T, client *redis.Client, stop func())) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		server := miniredis.RunT(t)
		test(t, connect(t, &redis.Options{Addr: server.Addr()}), server.Close)
	})
	t.Run("redis", func(t *testing.T) {
		client, stop := Server(t)
		test(t, client, stop)
	})
}

// Server starts a redis-server of the test's own and returns a client and what ends the server early. Where there is no
// redis-server the test fails.
func Server(t testing.TB) (client *redis.Client, stop func()) {
	t.Helper()
	_, err := exec.LookPath("redis-server")
	require.NoError(t, err, "tests need redis-server: install it (Debian's package is redis-server)")

	// A socket's path has room for about 100 bytes, too few for some temporary folders.
	folder, err := os.MkdirTemp("/tmp", "taproom-redis-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", keeper, "keeper", folder)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	stop = sync.OnceFunc(func() {
		_ = alive.Close()
		_ = command.Wait()
	})
	t.Cleanup(stop)

	client = connect(t, &redis.Options{Network: "unix", Addr: filepath.Join(folder, "redis.sock")})
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() == nil }, 20*time.Second, 10*time.Millisecond,
		"redis-server does not answer")
	return client, stop
}

func connect(t testing.TB, options *redis.Options) *redis.Client {
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
