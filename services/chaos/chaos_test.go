package chaos_test

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/chaos"
)

// TAPROOM_SEED repeats the order and the choices of an earlier run, though not what the machine made of them.
func seed(t *testing.T) uint64 {
	text := os.Getenv("TAPROOM_SEED") //nolint:forbidigo // no command reads it for tests
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	return n
}

func TestShortChaos(t *testing.T) {
	// PostgreSQL's user can't enter what the test has.
	data, err := os.MkdirTemp("/tmp", "taproom-chaos-") //nolint:usetesting // see above
	require.NoError(t, err)
	require.NoError(t, os.Chmod(data, 0o711))
	t.Cleanup(func() {
		if !t.Failed() {
			require.NoError(t, os.RemoveAll(data))
		}
	})
	cfg := chaos.Config{
		Root: filepath.Join("..", ".."), Data: data, Seed: seed(t), Rounds: 1,
		Taproom: os.Getenv("TAPROOM_BINARY"), //nolint:forbidigo // no command reads it for tests
		Only:    []string{"kill-order", "nats-leader", "redis"}, Short: true, Customers: 16, Rate: 3,
	}
	require.NoError(t, chaos.Run(t.Context(), cfg, t.Output(), slog.New(slog.NewTextHandler(t.Output(), nil))),
		"repeat it with TAPROOM_SEED=%d; data and logs are in %s", cfg.Seed, data)
}

func TestUnknownDisturbancesAreRefused(t *testing.T) {
	cfg := chaos.Config{Data: t.TempDir(), Rounds: 1, Only: []string{"earthquake"}, Customers: 1, Rate: 1}
	require.ErrorContains(t, chaos.Run(t.Context(), cfg, t.Output(), slog.New(slog.DiscardHandler)), "earthquake")
}
