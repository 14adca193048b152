// Package consultest gives tests a real Consul: one agent that is a server too, with access control that denies by
// default and its certificate authority switched on.
package consultest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	consulapi "github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"
)

// TestConsul names the environment variable that holds the path of Consul's program. Without it tests look for
// bin/tools/consul, which `go tool task tools:consul` builds.
const TestConsul = "TAPROOM_TEST_CONSUL"

const startTimeout = time.Minute

// keeper runs an agent until its standard input closes, which happens at the end of the test process at the latest, and
// then removes the folder that is its first argument, if any.
const keeper = `
exec 3<&0
remove=$1
shift
"$@" </dev/null 3<&- & agent=$!
{ read -r _; kill -KILL $agent; } <&3 >/dev/null 2>&1 &
wait $agent
test -z "$remove" || rm -rf "$remove"
`

// Agent is a Consul agent with a data folder of its own.
type Agent struct {
	// Address is the host:port of its HTTP API.
	Address string
	// Management is a token that may do everything.
	Management string

	program string
	folder  string
	remove  string       // the folder, if nobody else removes it
	stdin   io.Closer    // of the keeper; nil while the agent doesn't run
	ended   <-chan error // the keeper's end
}

// Start starts an agent that ends with the test.
func Start(t testing.TB) *Agent {
	t.Helper()
	folder := t.TempDir()
	agent, err := start(folder, "")
	require.NoError(t, err)
	t.Cleanup(func() { agent.Kill(t) })
	return agent
}

var shared = sync.OnceValues(func() (*Agent, error) {
	folder, err := os.MkdirTemp("", "taproom-consul-")
	if err != nil {
		return nil, err
	}
	return start(folder, folder)
})

// Shared returns the one agent of the test process, for tests that neither kill it nor trouble its authority. Names of
// services must be the test's own.
func Shared(t testing.TB) *Agent {
	t.Helper()
	agent, err := shared()
	require.NoError(t, err)
	return agent
}

func start(folder, remove string) (*Agent, error) {
	program, err := findProgram()
	if err != nil {
		return nil, err
	}
	agent := &Agent{Management: uuid.Must(uuid.NewV7()).String(), program: program, folder: folder, remove: remove}
	for tries := 3; ; tries-- { // somebody else may take a port that was free
		if err := agent.configure(); err != nil {
			return nil, err
		}
		if err = agent.run(); err == nil || tries == 0 {
			return agent, err
		}
	}
}

func findProgram() (string, error) {
	if path := os.Getenv(TestConsul); path != "" { //nolint:forbidigo // no command reads it for tests
		return path, nil
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		path := filepath.Join(folder, "bin", "tools", "consul")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("tests need Consul: run `go tool task tools:consul`, or set %s to the path of the program", TestConsul)
}

// configure writes the agent's configuration, with ports that are free now.
func (a *Agent) configure() error {
	ports := make([]int, 4)
	for i := range ports {
		listener, err := listen()
		if err != nil {
			return err
		}
		defer listener.Close() // all are held until all are found
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	a.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	type object = map[string]any
	config, err := json.Marshal(object{
		"datacenter": "dc1", "node_name": "test", "server": true, "bootstrap_expect": 1,
		"data_dir": filepath.Join(a.folder, "data"), "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1",
		"ports": object{
			"http": ports[0], "server": ports[1], "serf_lan": ports[2],
			"grpc": ports[3], "serf_wan": -1, "dns": -1, "grpc_tls": -1, "https": -1,
		},
		"performance": object{"raft_multiplier": 1},
		"limits":      object{"http_max_conns_per_client": 5000}, // each watch holds one
		"connect":     object{"enabled": true, "test_ca_leaf_root_change_spread": "1ms"},
		"acl": object{
			"enabled": true, "default_policy": "deny", // as a shop should have it
			"tokens": object{"initial_management": a.Management, "agent": a.Management},
		},
		// An agent hands certificates and keys that it remembers to whoever asks, whatever the token.
		"http_config":          object{"block_endpoints": []string{"/v1/agent/connect/ca/leaf/"}},
		"disable_update_check": true, "log_level": "warn",
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.folder, 0o700); err != nil { // an agent that could not start may have removed it
		return err
	}
	return os.WriteFile(filepath.Join(a.folder, "consul.json"), config, 0o600)
}

// listen finds a port below those that systems give to outgoing connections, so that it is free after a restart too.
func listen() (listener net.Listener, err error) {
	for range 100 {
		port := 20_000 + rand.N(10_000)
		listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return listener, nil
		}
	}
	return nil, err
}

// run starts the agent and waits until it has elected itself.
func (a *Agent) run() error {
	var output bytes.Buffer
	command := exec.CommandContext(context.Background(), "/bin/sh", "-c", keeper, "keeper",
		a.remove, a.program, "agent", "-config-file", filepath.Join(a.folder, "consul.json"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Stdout, command.Stderr = &output, &output
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	a.stdin, a.ended = stdin, ended

	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client, err := a.client(a.Management)
	if err != nil {
		return err
	}
	options := new(consulapi.QueryOptions).WithContext(ctx)
	for {
		// The root is the last thing that a new server makes.
		roots, _, failure := client.Agent().ConnectCARoots(options)
		if failure == nil && len(roots.Roots) > 0 {
			if _, _, failure = client.ACL().TokenReadSelf(options); failure == nil {
				return nil
			}
		}
		select {
		case err := <-ended:
			return errors.Join(fmt.Errorf("the Consul agent ended: %s", output.Bytes()), err)
		case <-ctx.Done():
			_ = stdin.Close()
			<-ended
			return errors.Join(fmt.Errorf("the Consul agent is not ready: %s", output.Bytes()), failure)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (a *Agent) client(token string) (*consulapi.Client, error) {
	return consulapi.NewClient(&consulapi.Config{Address: a.Address, Scheme: "http", Token: token})
}

// Client returns a client with a token.
func (a *Agent) Client(t testing.TB, token string) *consulapi.Client {
	t.Helper()
	client, err := a.client(token)
	require.NoError(t, err)
	return client
}

// Operator returns a client that may do everything.
func (a *Agent) Operator(t testing.TB) *consulapi.Client {
	t.Helper()
	return a.Client(t, a.Management)
}

// ServiceToken returns the token of a service: it may register that service alone and get its certificate, and may find
// all others.
func (a *Agent) ServiceToken(t testing.TB, service string) string {
	t.Helper()
	token, _, err := a.Operator(t).ACL().TokenCreate(&consulapi.ACLToken{
		ServiceIdentities: []*consulapi.ACLServiceIdentity{{ServiceName: service}},
	}, nil)
	require.NoError(t, err)
	return token.SecretID
}

// Service returns a client with the token of a service.
func (a *Agent) Service(t testing.TB, service string) *consulapi.Client {
	t.Helper()
	return a.Client(t, a.ServiceToken(t, service))
}

// Kill ends the agent as a crash would. Its data stays.
func (a *Agent) Kill(t testing.TB) {
	t.Helper()
	if a.stdin == nil {
		return
	}
	_ = a.stdin.Close()
	<-a.ended
	a.stdin = nil
}

// Restart starts the agent again after Kill, at its address and with the data that it had.
func (a *Agent) Restart(t testing.TB) {
	t.Helper()
	require.NoError(t, a.run())
}

// Wipe removes the agent's data after Kill; tokens are lost with it, but for the management token.
func (a *Agent) Wipe(t testing.TB) {
	t.Helper()
	require.NoError(t, os.RemoveAll(filepath.Join(a.folder, "data")))
}
