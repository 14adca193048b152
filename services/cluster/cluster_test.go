package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/services/shop"
)

func TestTopologyIsTheShop(t *testing.T) {
	var services []string
	for _, m := range topology {
		services = append(services, m.service)
	}
	require.Equal(t, append(shop.Names(), shop.EdgeName), services)
}

// binary is the program under test: TAPROOM_BINARY, or built from these sources.
func binary(t *testing.T) string {
	if path := os.Getenv("TAPROOM_BINARY"); path != "" { //nolint:forbidigo // no command reads it for tests
		return path
	}
	path := filepath.Join(t.TempDir(), "taproom")
	said, err := exec.Command("go", "build", "-trimpath", "-o", path, "../cmd/taproom").CombinedOutput()
	require.NoError(t, err, "%s", said)
	return path
}

func TestClusterLivesThroughLossesAndStarts(t *testing.T) {
	var said bytes.Buffer
	cfg := Config{
		Root: filepath.Join("..", ".."), Data: scratch(t), Taproom: binary(t), Demo: true, RestartAfter: 100 * time.Millisecond,
		Flags: []string{"--courier-step-time=0s", "--shipping-assembly-time=0s"},
	}
	began := time.Now()
	c, err := Start(t.Context(), cfg, slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	stopped := false
	defer func() {
		if !stopped {
			_ = c.Stop()
		}
	}()
	t.Logf("started within %s", time.Since(began))
	_, err = c.Demo(t.Context())
	require.NoError(t, err)
	beers := listBeers(t, c)
	require.NotEmpty(t, beers)

	_, err = c.run(t.Context(), "doctor")
	require.NoError(t, err)

	// One that is killed from outside is started again; the others do its work meanwhile.
	order := c.Of("order")
	before := order[0].PID()
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	require.Eventually(t, func() bool { return order[0].Running() && order[0].PID() != before }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, order[0].Start(t.Context()), "it is ready")
	// One that is killed here stays dead until it is started.
	require.NoError(t, c.Process("catalog").Kill())
	require.False(t, c.Process("catalog").Running())
	require.NoError(t, c.Process("catalog").Start(t.Context()))
	require.Eventually(t, func() bool { return len(listBeers(t, c)) == len(beers) }, 20*time.Second, 100*time.Millisecond)

	// Services do nothing that they may not.
	for _, server := range c.nats {
		log, err := os.ReadFile(server.Log())
		require.NoError(t, err)
		require.NotRegexp(t, regexp.MustCompile(`(?i)violation|authorization`), string(log))
	}

	pids := make(map[string]int)
	for _, p := range c.Processes() {
		require.True(t, p.Running(), p.Name())
		pids[p.Name()] = p.PID()
	}
	stopped = true
	require.NoError(t, c.Stop())
	for name, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, name)
	}
	require.Empty(t, processesAt(t, cfg.Data))

	// The next start goes on, at the same addresses.
	url := c.URL()
	c, err = Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	stopped = false
	require.Equal(t, url, c.URL())
	require.Eventually(t, func() bool { return len(listBeers(t, c)) == len(beers) }, 20*time.Second, 100*time.Millisecond)
}

func listBeers(t *testing.T, c *Cluster) []*catalogv1.Beer {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	res, err := catalogv1connect.NewCatalogServiceClient(c.http, c.URL()).ListBeers(ctx, &catalogv1.ListBeersRequest{PageSize: 10})
	if err != nil {
		t.Log(err)
		return nil
	}
	return res.GetBeers()
}

// processesAt finds processes whose command line or folder is in the data folder.
func processesAt(t *testing.T, folder string) (found []string) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, line := range lines {
		text, err := os.ReadFile(line)
		if err == nil && strings.Contains(string(text), folder) {
			found = append(found, fmt.Sprintf("%s %q", line, text))
		}
	}
	return found
}
