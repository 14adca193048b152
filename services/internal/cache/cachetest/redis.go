// Package cachetest gives tests a Redis that they can kill, empty and hang.
package cachetest

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// Redis is a server of the test's own, empty and running.
type Redis struct {
	// Client is a client of it; others are made with Options.
	Client  *redis.Client
	Options redis.Options
	// Kill ends the server as SIGKILL does. What it held is lost.
	Kill func()
	// Start starts it again, empty, at the same address.
	Start func()
	// Hang keeps it from answering, with its connections open, until Resume.
	Hang, Resume func()
}

// Each runs test twice, as subtests "miniredis", the embedded one, and "redis", a real one.
func Each(t *testing.T, test func(t *testing.T, server *Redis)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("redis", func(t *testing.T) { test(t, Server(t)) })
}

func embedded(t *testing.T) *Redis {
	t.Helper()
	store := miniredis.RunT(t)
	var hanging chan struct{} // closed when it hangs no more
	r := &Redis{
		Options: redis.Options{Addr: store.Addr()},
		Kill:    store.Close,
		Start: func() {
			store.FlushAll()
			require.NoError(t, store.Restart())
		},
		Hang: func() {
			hang := make(chan struct{})
			hanging = hang
			store.Server().SetPreHook(func(*server.Peer, string, ...string) bool {
				<-hang
				return false
			})
		},
		Resume: func() {
			if hanging != nil {
				close(hanging)
				hanging = nil
			}
		},
	}
	t.Cleanup(r.Resume)
	r.connect(t)
	return r
}

// keeper runs a server, tells its process id, and kills it when standard input closes: that happens when the test process
// ends, in whatever way. The server stands in the keeper's own process group, out of reach of a terminal's Ctrl-C.
const keeper = `
redis-server --port 0 --unixsocket "$1/redis.sock" --dir "$1" --save '' --appendonly no >"$1/redis.log" 2>&1 </dev/null &
echo $!
cat >/dev/null
kill -KILL $!
`

// Server starts a real redis-server. Where there is none the test fails.
func Server(t testing.TB) *Redis {
	t.Helper()
	_, err := exec.LookPath("redis-server")
	require.NoError(t, err, "tests need redis-server: install it (Debian's package is redis-server)")

	// A socket's path has room for about 100 bytes, too few for some temporary folders.
	folder, err := os.MkdirTemp("/tmp", "taproom-redis-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })

	var running *process
	signal := func(s syscall.Signal) func() {
		return func() { require.NoError(t, syscall.Kill(running.pid, s)) }
	}
	r := &Redis{
		Options: redis.Options{Network: "unix", Addr: filepath.Join(folder, "redis.sock")},
		Start:   func() { running = run(t, folder) },
		Kill: func() {
			if running != nil {
				running.end()
				running = nil
			}
		},
		Hang: signal(syscall.SIGSTOP), Resume: signal(syscall.SIGCONT),
	}
	t.Cleanup(r.Kill)
	r.Start()
	r.connect(t)
	return r
}

// connect makes the client, once the server answers.
func (r *Redis) connect(t testing.TB) {
	r.Options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options := r.Options
	r.Client = redis.NewClient(&options)
	t.Cleanup(func() { _ = r.Client.Close() })
	require.Eventually(t, func() bool { return r.Client.Ping(t.Context()).Err() == nil }, 20*time.Second, 10*time.Millisecond,
		"redis-server does not answer")
}

// process is a running server.
type process struct {
	pid int
	end func()
}

func run(t testing.TB, folder string) *process {
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", keeper, "keeper", folder)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := command.StdinPipe()
	require.NoError(t, err)
	told, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	end := func() {
		_ = alive.Close()
		_ = command.Wait()
	}
	line, err := bufio.NewReader(told).ReadString('\n')
	pid, parseErr := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || parseErr != nil {
		end()
		require.Fail(t, "redis-server can't be started", "%v, %q", err, line)
	}
	return &process{pid: pid, end: end}
}
