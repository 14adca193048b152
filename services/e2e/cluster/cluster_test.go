// Package cluster_test runs the black-box suite and the browser's once more, unchanged, against a shop whose services are
// processes of their own on real parts.
package cluster_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/cluster"
)

// suites are packages that know a shop's address and accounts, and nothing else.
var suites = []string{"./e2e", "./e2e/browser"}

// flags are those of the shops that the suites start themselves.
var flags = []string{"--shipping-assembly-time=0s", "--courier-step-time=0s", "--edge-rate=0", "--edge-streams=0"}

var accountLine = regexp.MustCompile(`(STAFF|CUSTOMER)\s+(\S+)\s+password (\S+)`)

func TestTheSuitesPassAgainstACluster(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	data, err := os.MkdirTemp("/tmp", "taproom-cluster-") //nolint:usetesting // a socket's path has room for about 100 bytes
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	shop, err := cluster.Start(t.Context(), cluster.Config{Root: root, Data: data, Demo: true, Flags: flags}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shop.Stop()) })
	said, err := shop.Demo(t.Context())
	require.NoError(t, err)

	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1", "-timeout=15m"}, suites...)...)
	cmd.Dir = filepath.Join(root, "services")
	cmd.Env = append(os.Environ(), "TAPROOM_E2E_URL="+shop.URL())
	for _, account := range accountLine.FindAllStringSubmatch(said, -1) {
		cmd.Env = append(cmd.Env, "TAPROOM_E2E_"+account[1]+"="+account[2]+":"+account[3])
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	require.NoError(t, cmd.Run())

	books := shop.Command(t.Context(), "books")
	told, err := books.CombinedOutput()
	require.NoError(t, err, "%s", told)
	for _, p := range shop.Processes() {
		require.True(t, p.Running(), "%s ended by itself", p.Name())
	}
}
