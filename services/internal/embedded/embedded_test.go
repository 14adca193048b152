package embedded_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/embedded"
)

// TestMain lets the test binary be the other process that wants the folder.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "lock" {
		if _, err := embedded.Lock(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stdout, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAFolderBelongsToOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	unlock, err := embedded.Lock(dir)
	require.NoError(t, err)
	other := func() (string, error) {
		output, err := exec.CommandContext(t.Context(), os.Args[0], "lock", dir).Output()
		return string(output), err
	}
	text, err := other()
	require.Error(t, err)
	require.Contains(t, text, fmt.Sprintf("in use by process %d", os.Getpid()))
	_, err = embedded.Lock(dir)
	require.ErrorContains(t, err, "--data", "nor twice to the same process")

	require.NoError(t, unlock())
	text, err = other()
	require.NoError(t, err, text)
	unlock, err = embedded.Lock(dir)
	require.NoError(t, err, "a process that ended without a word leaves no lock")
	require.NoError(t, unlock())
}

func TestStreamsSurviveARestart(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	start := func() (jetstream.JetStream, func()) {
		broker, conn, err := embedded.NATS(dir, log)
		require.NoError(t, err)
		require.Empty(t, broker.Addr(), "it listens on no port")
		js, err := jetstream.New(conn)
		require.NoError(t, err)
		return js, func() { require.NoError(t, embedded.StopNATS(broker, conn)) }
	}
	js, stop := start()
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"taproom.order.>"}})
	require.NoError(t, err)
	for i := range 3 {
		_, err := js.Publish(t.Context(), fmt.Sprintf("taproom.order.placed.o%d", i), []byte("order"))
		require.NoError(t, err)
	}
	stop()

	js, stop = start()
	defer stop()
	stream, err := js.Stream(t.Context(), "ORDERS")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, info.State.Msgs)
}

func TestNATSNeedsAFolderItCanWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, _, err := embedded.NATS(filepath.Join(file, "nats"), slog.New(slog.DiscardHandler))
	require.Error(t, err)
}

func TestKeysInRedisExpire(t *testing.T) {
	client, stop, err := embedded.Redis()
	require.NoError(t, err)
	defer func() { require.NoError(t, stop()) }()
	require.NoError(t, client.Set(t.Context(), "short", "x", 300*time.Millisecond).Err())
	require.NoError(t, client.Set(t.Context(), "long", "x", time.Hour).Err())
	require.NoError(t, client.Get(t.Context(), "short").Err())
	require.Eventually(t, func() bool {
		return errors.Is(client.Get(t.Context(), "short").Err(), redis.Nil)
	}, 5*time.Second, 20*time.Millisecond)
	require.NoError(t, client.Get(t.Context(), "long").Err())
	left, err := client.TTL(t.Context(), "long").Result()
	require.NoError(t, err)
	require.Greater(t, left, 59*time.Minute)

	stranger := redis.NewClient(&redis.Options{Addr: client.Options().Addr})
	defer stranger.Close()
	require.ErrorContains(t, stranger.Get(t.Context(), "long").Err(), "NOAUTH", "nobody else on the machine gets in")
}

func TestRedisTakesLongPipelinesAndScripts(t *testing.T) {
	client, stop, err := embedded.Redis()
	require.NoError(t, err)
	defer func() { require.NoError(t, stop()) }()
	_, err = client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range 10_000 {
			p.Set(t.Context(), fmt.Sprintf("key%d", i), i, time.Minute)
		}
		return nil
	})
	require.NoError(t, err)
	n, err := redis.NewScript(`return redis.call("GET", KEYS[1])`).Run(t.Context(), client, []string{"key9999"}).Int()
	require.NoError(t, err)
	require.Equal(t, 9999, n)
}
