package deploy_test

import (
	"debug/elf"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
)

const version = "v1.2.3-test"

func TestMain(m *testing.M) {
	code := m.Run()
	if folder := filepath.Dir(built.path); built.path != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

var built struct {
	once sync.Once
	path string
	err  error
}

// program builds the shop's program as the Dockerfile does.
func program(t *testing.T) string {
	t.Helper()
	stages := dockerfile(t)
	var command string
	for _, c := range stages[1].Commands {
		if run, ok := c.(*instructions.RunCommand); ok && strings.Contains(run.CmdLine[0], "go -C services build") {
			command = run.CmdLine[0]
		}
	}
	require.NotEmpty(t, command)
	built.once.Do(func() {
		folder, err := os.MkdirTemp("", "taproom-deploy-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(folder, "taproom")
		build := exec.Command("sh", "-c", strings.ReplaceAll(command, "/out/taproom", built.path))
		build.Dir = ".."
		build.Env = append(os.Environ(), "GOWORK=off", "VERSION="+version)
		if said, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%s: %w\n%s", command, err, said)
		}
	})
	require.NoError(t, built.err)
	return built.path
}

// dockerfile reads the Dockerfile.
func dockerfile(t *testing.T) []instructions.Stage {
	file, err := os.Open("../Dockerfile")
	require.NoError(t, err)
	defer file.Close()
	result, err := parser.Parse(file)
	require.NoError(t, err)
	require.Empty(t, result.Warnings)
	stages, _, err := instructions.Parse(result.AST, nil)
	require.NoError(t, err)
	return stages
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (string, error) {
	command := exec.Command(program(t), args...)
	command.Env = append([]string{"PATH=/nowhere"}, env...)
	said, err := command.CombinedOutput()
	return string(said), err
}

var help = make(map[string]string)

// usage are the flags and the environment variables that a command of the program takes.
func usage(t *testing.T, command string) (flags, variables []string) {
	said := help[command]
	if said == "" {
		var err error
		said, err = run(t, nil, command, "--help")
		require.NoError(t, err, said)
		help[command] = said
	}
	for _, match := range regexp.MustCompile(`--(?:\[no-\])?([a-z-]+)`).FindAllStringSubmatch(said, -1) {
		flags = append(flags, match[1])
	}
	// Lines are wrapped anywhere, names are not.
	for _, match := range regexp.MustCompile(`\$(TAPROOM_[A-Z_]+)`).FindAllStringSubmatch(said, -1) {
		variables = append(variables, match[1])
	}
	return flags, variables
}

// requireUsage checks that the program knows all that a container hands it.
func requireUsage(t *testing.T, args []string, env map[string]string) {
	t.Helper()
	require.NotEmpty(t, args)
	flags, variables := usage(t, args[0])
	for _, arg := range args[1:] {
		if flag, ok := strings.CutPrefix(arg, "--"); ok {
			name, _, _ := strings.Cut(flag, "=")
			require.Contains(t, flags, name, args)
		}
	}
	for name := range env {
		if strings.HasPrefix(name, "TAPROOM_") {
			require.Contains(t, variables, name, args)
		}
	}
}

var told []string

// services are the names of the shop's services and of the edge, as the program tells them.
func services(t *testing.T) []string {
	if told == nil {
		said, err := run(t, nil, "migrate", "nobody", "--database-url=postgres://{service}")
		require.Error(t, err)
		_, names, ok := strings.Cut(strings.TrimSpace(said), "there are ")
		require.True(t, ok, said)
		told = strings.Split(names, ", ")
	}
	return slices.Clone(told)
}

// replicas is how many of a service run.
func replicas(service string) int {
	if n, ok := map[string]int{"order": 2, "courier": 2, "notification": 3}[service]; ok {
		return n
	}
	return 1
}

func TestDockerfileTakesWhatIsThere(t *testing.T) {
	stages := dockerfile(t)
	last := stages[len(stages)-1]
	require.Equal(t, "scratch", last.BaseName)
	ignored, err := os.ReadFile("../.dockerignore")
	require.NoError(t, err)
	for _, stage := range stages[:len(stages)-1] {
		require.Regexp(t, `^[a-z]+:\d+\.\d+\.\d+-alpine$`, stage.BaseName)
		for _, c := range stage.Commands {
			cp, ok := c.(*instructions.CopyCommand)
			if !ok || cp.From != "" {
				continue
			}
			for _, path := range cp.SourcePaths {
				_, err := os.Stat(filepath.Join("..", path))
				require.NoError(t, err)
				sent := slices.ContainsFunc(strings.Fields(string(ignored)), func(line string) bool {
					kept := strings.TrimPrefix(line, "!")
					return line != kept && (kept == path || strings.HasPrefix(path, kept+"/"))
				})
				require.True(t, sent, ".dockerignore keeps %s away", path)
			}
		}
	}
	var user, entrypoint, command []string
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = append(user, c.User)
		case *instructions.EntrypointCommand:
			entrypoint = c.CmdLine
		case *instructions.CmdCommand:
			command = c.CmdLine
		}
	}
	require.Equal(t, []string{"65534:65534"}, user)
	require.Equal(t, []string{"/taproom"}, entrypoint)
	requireUsage(t, command, nil)

	module, err := os.ReadFile("../services/go.mod")
	require.NoError(t, err)
	toolchain := regexp.MustCompile(`(?m)^toolchain go(.+)$`).FindSubmatch(module)
	require.Equal(t, "golang:"+string(toolchain[1])+"-alpine", stages[1].BaseName)
}

func TestProgramNeedsNothing(t *testing.T) {
	path := program(t)
	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	for _, part := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, part.Type)
	}
	if os.Getuid() != 0 {
		t.Log("an empty root is for root to make: the program ran in none")
		return
	}
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "taproom"), content, 0o755))
	for _, args := range [][]string{{"version"}, {"serve", "--help"}, {"ready", "--internal-listen=:1"}} {
		command := exec.Command("/taproom", args...)
		command.Dir, command.Env = "/", []string{}
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		said, err := command.CombinedOutput()
		if args[0] == "ready" {
			require.ErrorContains(t, err, "exit status 1")
			require.Contains(t, string(said), "connection refused")
			continue
		}
		require.NoError(t, err, "%s", said)
		if args[0] == "version" {
			require.Equal(t, version, strings.TrimSpace(string(said)))
		}
	}
}

func TestReadyTellsWhetherAProcessTakesCalls(t *testing.T) {
	status := http.StatusOK
	process := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/readyz", r.URL.Path)
		w.WriteHeader(status)
	}))
	defer process.Close()
	_, port, err := net.SplitHostPort(process.Listener.Addr().String())
	require.NoError(t, err)
	listen := []string{"TAPROOM_INTERNAL_LISTEN=:" + port}
	said, err := run(t, listen, "ready")
	require.NoError(t, err, said)
	require.Empty(t, said)
	status = http.StatusServiceUnavailable
	said, err = run(t, listen, "ready")
	require.Error(t, err)
	require.Contains(t, said, "not ready: 503")
}
