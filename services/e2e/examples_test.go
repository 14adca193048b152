package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// root is the folder of the repository.
const root = "../.."

// The programs of docs/examples buy beer from a shop that knows nothing of them.
func TestExamples(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t)
	walk, err := filepath.Abs(filepath.Join(root, "docs/examples/curl/walk.sh"))
	require.NoError(t, err)
	nowhere := []string{"TAPROOM_EMAIL=nobody@taproom.example", "TAPROOM_PASSWORD=wrong"}
	for _, example := range []struct {
		name    string
		command []string
		env     []string
		refused bool
	}{
		{name: "go", command: []string{"go", "run", "."}},
		{name: "go without an account", command: []string{"go", "run", "."}, env: nowhere, refused: true},
		{name: "typescript", command: []string{"npm", "start", "--silent"}},
		{name: "typescript without an account", command: []string{"npm", "start", "--silent"}, env: nowhere, refused: true},
		{name: "curl", command: []string{"bash", walk}},
		{name: "curl without jq", command: []string{"bash", walk}, env: []string{"PATH=" + only(t, "bash", "cat", "curl", "node", "sleep")}},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			// Less than a session lives: a program that waits for its stream to end does not end in time.
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program(t, example.command[0]), example.command[1:]...)
			cmd.WaitDelay = time.Second // what a killed npm leaves behind
			language, _, _ := strings.Cut(example.name, " ")
			cmd.Dir = filepath.Join(root, "docs/examples", language)
			cmd.Env = append(append(os.Environ(), "GOWORK=off", "TAPROOM_URL="+shop.URL, "TAPROOM_EMAIL="), example.env...)
			if language == "typescript" {
				_, err := os.Stat(filepath.Join(root, "node_modules/.bin/tsx"))
				require.NoError(t, err, "the packages of the TypeScript example are missing; install them with: go tool task npm:ci")
			}
			printed, err := cmd.CombinedOutput()
			if example.refused {
				require.Error(t, err)
				require.Contains(t, string(printed), "set TAPROOM_EMAIL and TAPROOM_PASSWORD", "it tells by the reason what to do")
				return
			}
			require.NoError(t, err, "%s", printed)
			require.Contains(t, string(printed), "Ordered", "%s", printed)
			require.Regexp(t, `Cheers!|ORDER_STATE_DELIVERED`, string(printed))
		})
	}
}

// program finds a program that examples need.
func program(t testing.TB, name string) string {
	path, err := exec.LookPath(name)
	require.NoError(t, err, "%s is missing; the tests of the examples need Go, Node with npm, bash and curl", name)
	return path
}

// only makes a folder with these programs and no others, as a search path.
func only(t testing.TB, names ...string) string {
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.Symlink(program(t, name), filepath.Join(dir, name)))
	}
	return dir
}
