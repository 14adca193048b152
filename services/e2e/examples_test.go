package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// root is the folder of the repository.
const root = "../.."

// The programs of docs/examples buy beer from a shop that knows nothing of them.
func TestExamples(t *testing.T) {
	shop := shoptest.Start(t)
	for _, example := range []struct {
		name, folder string
		command      []string
		env          []string
	}{
		{name: "go", folder: "docs/examples/go", command: []string{"go", "run", "."}, env: []string{"GOWORK=off"}},
		{name: "typescript", command: []string{"npm", "start", "--silent", "--workspace", "docs/examples/typescript"}},
		{name: "curl", command: []string{"docs/examples/curl/walk.sh"}},
		{name: "curl without jq", command: []string{"docs/examples/curl/walk.sh"}, env: []string{"PATH=" + only(t, "bash", "cat", "curl", "node", "sleep")}},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			if example.name == "typescript" {
				_, err := os.Stat(filepath.Join(root, "node_modules/.bin/tsx"))
				require.NoError(t, err, "the packages of the TypeScript example are missing; install them with: go tool task npm:ci")
			}
			path := filepath.Join(root, example.command[0])
			if filepath.Base(example.command[0]) == example.command[0] {
				path = program(t, example.command[0])
			}
			path, err := filepath.Abs(path)
			require.NoError(t, err)
			cmd := exec.CommandContext(t.Context(), path, example.command[1:]...)
			cmd.Dir = filepath.Join(root, example.folder)
			cmd.Env = append(append(os.Environ(), "TAPROOM_URL="+shop.URL, "TAPROOM_EMAIL="), example.env...)
			printed, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", printed)
			require.Contains(t, string(printed), "Found ")
			require.Contains(t, string(printed), "Ordered")
			require.Regexp(t, `Cheers!|ORDER_STATE_DELIVERED`, string(printed))
		})
	}
}

// Who signs in with a wrong password is told by the reason what to do.
func TestTheGoExampleExplainsErrors(t *testing.T) {
	shop := shoptest.Start(t)
	cmd := exec.CommandContext(t.Context(), program(t, "go"), "run", ".")
	cmd.Dir = filepath.Join(root, "docs/examples/go")
	cmd.Env = append(os.Environ(), "GOWORK=off", "TAPROOM_URL="+shop.URL, "TAPROOM_EMAIL=nobody@taproom.example", "TAPROOM_PASSWORD=wrong")
	printed, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(printed), "set TAPROOM_EMAIL and TAPROOM_PASSWORD")
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
