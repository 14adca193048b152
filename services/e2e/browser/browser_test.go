// Package browser runs the web app's browser tests against a real shop.
package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func TestTheShopInABrowser(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(root, "node_modules", "@playwright"), "the npm packages are missing: run `npm ci` in %s", root)
	// Slow enough to watch an order go through its states.
	shop := shoptest.Start(t, "--shipping-assembly-time=500ms", "--courier-step-time=250ms")
	cmd := exec.CommandContext(t.Context(), "npm", "run", "test:browser", "--workspace", "web")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "TAPROOM_E2E_URL="+shop.URL)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	require.NoError(t, cmd.Run(), "the browser tests failed; what they saw is in web/test-results")
}
