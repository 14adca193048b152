package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const patience = time.Minute

// start runs a part until the test ends; what it says is told when the test fails.
func start(t *testing.T, env []string, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	command := exec.Command(name, args...)
	command.Dir, command.Env = "/", append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	command.Stdout, command.Stderr = &said, &said
	command.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		end := syscall.SIGKILL
		if filepath.Base(name) == "postgres" { // which ends its own processes
			end = syscall.SIGINT
		}
		_ = command.Process.Signal(end)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said.Bytes())
		}
	})
}

// script runs a script of the deployment with the tool's folder in its path.
func script(t *testing.T, env []string, path string) (string, error) {
	t.Helper()
	command := exec.Command("sh", path)
	command.Env = append([]string{"PATH=" + absolute(t, "../bin/tools") + ":" + os.Getenv("PATH")}, env...)
	said, err := command.CombinedOutput()
	return string(said), err
}

func absolute(t *testing.T, path string) string {
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}

// tool is a tool that a task builds.
func tool(t *testing.T, name string) string {
	path := absolute(t, filepath.Join("..", "bin", "tools", name))
	_, err := os.Stat(path)
	require.NoError(t, err, "run `go tool task tools:consul tools:nats`")
	return path
}

func freePort(t *testing.T, address string) int {
	listener, err := net.Listen("tcp", address+":0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// list is an environment as a process takes it.
func list(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// postgres starts a PostgreSQL that asks everybody for a password, and returns its port.
func postgres(t *testing.T, password string) int {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		found = []string{path}
	}
	require.NotEmpty(t, found, "PostgreSQL is missing")
	bin := filepath.Dir(found[len(found)-1])
	folder, err := os.MkdirTemp("", "taproom-deploy-postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.WriteFile(filepath.Join(folder, "password"), []byte(password), 0o600))
	var as *syscall.Credential
	if os.Getuid() == 0 { // it refuses to run as root
		u, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(u.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(u.Gid)
		require.NoError(t, err)
		as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		require.NoError(t, os.Chown(folder, uid, gid))
		require.NoError(t, os.Chown(filepath.Join(folder, "password"), uid, gid))
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", filepath.Join(folder, "password"), "--no-sync")
	initdb.Dir, initdb.SysProcAttr = "/", &syscall.SysProcAttr{Credential: as}
	said, err := initdb.CombinedOutput()
	require.NoError(t, err, "%s", said)
	port := freePort(t, "127.0.0.1")
	start(t, nil, as, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "", "-c", "fsync=off")
	require.Eventually(t, func() bool {
		return psql(t, strconv.Itoa(port), "postgres", "postgres", password, "SELECT 1") == "1"
	}, patience, 100*time.Millisecond)
	return port
}

func TestDatabasesAreMadeAndMigrated(t *testing.T) {
	made := secrets(t)
	project := compose(t, made)
	port := strconv.Itoa(postgres(t, made["TAPROOM_POSTGRES_PASSWORD"]))
	prepare := func(env map[string]string) {
		env["PGHOST"], env["PGPORT"] = "127.0.0.1", port
		said, err := script(t, list(env), "postgres/databases.sh")
		require.NoError(t, err, said)
	}
	prepare(environment(project.Services["databases"]))

	here := func(env map[string]string) []string {
		env["TAPROOM_DATABASE_URL"] = strings.Replace(env["TAPROOM_DATABASE_URL"], "@postgres/", "@127.0.0.1:"+port+"/", 1)
		return list(env)
	}
	migrate := project.Services["migrate"]
	said, err := run(t, here(environment(migrate)), migrate.Command...)
	require.NoError(t, err, said)

	// A second time, with other passwords: the new ones open what the old ones did.
	changed := secrets(t)
	changed["TAPROOM_POSTGRES_PASSWORD"] = made["TAPROOM_POSTGRES_PASSWORD"]
	project = compose(t, changed)
	prepare(environment(project.Services["databases"]))
	for _, name := range services(t) {
		env := environment(project.Services[name])
		if env["PGPASSWORD"] == "" {
			require.Contains(t, []string{"courier", "edge"}, name)
			continue
		}
		// A service has what migrating made, as its own.
		said, err := run(t, here(env), "migrate", name)
		require.NoError(t, err, said)
		require.Equal(t, "taproom_"+name, psql(t, port, "taproom_"+name, "taproom_"+name, env["PGPASSWORD"], "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"))
		other := "taproom_payment"
		if name == "payment" {
			other = "taproom_user"
		}
		require.Contains(t, psql(t, port, "taproom_"+name, other, env["PGPASSWORD"], "SELECT 1"), "permission denied")
		require.Contains(t, psql(t, port, "taproom_"+name, "taproom_"+name, made["TAPROOM_DATABASE_PASSWORD_"+strings.ToUpper(name)], "SELECT 1"), "authentication failed")
	}
}

func psql(t *testing.T, port, role, database, password, query string) string {
	command := exec.Command("psql", "-XtA", "-h", "127.0.0.1", "-p", port, "-U", role, "-d", database, "-c", query)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "PGPASSWORD=" + password}
	said, _ := command.CombinedOutput()
	return strings.TrimSpace(string(said))
}

// get asks by HTTP, and returns the status and the answer.
func get(t *testing.T, url, token string) (int, string) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("X-Consul-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// consul starts Consul as composed, with the services' tokens, and returns its address.
func consul(t *testing.T, project *types.Project) (address string) {
	port := freePort(t, "127.0.0.1")
	args := []string{fmt.Sprintf("-hcl=ports { http = %d server = %d serf_lan = %d serf_wan = -1 dns = -1 grpc_tls = -1 }",
		port, freePort(t, "127.0.0.1"), freePort(t, "127.0.0.1")), "-bind=127.0.0.1"}
	for _, arg := range project.Services["consul"].Command {
		arg = strings.Replace(arg, "/etc/consul", absolute(t, "consul"), 1)
		arg = strings.Replace(arg, "/consul/data", t.TempDir(), 1)
		if strings.HasPrefix(arg, "-grpc-port=") {
			arg = fmt.Sprintf("-grpc-port=%d", freePort(t, "127.0.0.1"))
		}
		args = append(args, strings.Replace(arg, "-client=0.0.0.0", "-client=127.0.0.1", 1))
	}
	require.Equal(t, "agent", args[2])
	args = append(args[2:], args[:2]...)
	start(t, nil, nil, tool(t, "consul"), args...)

	address = "http://127.0.0.1:" + strconv.Itoa(port)
	env := environment(project.Services["consul-tokens"])
	env["CONSUL_HTTP_ADDR"] = address
	require.Eventually(t, func() bool {
		_, err := script(t, list(env), "consul/tokens.sh")
		return err == nil
	}, patience, 200*time.Millisecond)
	said, err := script(t, list(env), "consul/tokens.sh")
	require.NoError(t, err, said)
	require.Empty(t, said, "all is there")

	return address
}

func TestConsulGivesEachServiceItsIdentity(t *testing.T) {
	project := compose(t, secrets(t))
	address := consul(t, project)
	leaf := address + "/v1/agent/connect/ca/leaf/"
	require.Eventually(t, func() bool { // the authority comes last
		status, _ := get(t, leaf+"edge", environment(project.Services["edge"])["TAPROOM_CONSUL_TOKEN"])
		return status == http.StatusOK
	}, patience, 200*time.Millisecond)
	// Each is asked for in this order, since an agent hands on what it issued before.
	for i, name := range services(t) {
		token := environment(project.Services[name])["TAPROOM_CONSUL_TOKEN"]
		for _, other := range services(t)[i+1:] {
			if other != "edge" {
				status, _ := get(t, leaf+other, token)
				require.Equal(t, http.StatusForbidden, status, "%s as %s", name, other)
			}
			status, _ := get(t, address+"/v1/health/service/"+other, token)
			require.Equal(t, http.StatusOK, status, "%s finds %s", name, other)
		}
		status, text := get(t, leaf+name, token)
		require.Equal(t, http.StatusOK, status, text)
		require.Contains(t, text, "CERTIFICATE")
		status, text = get(t, address+"/v1/health/service/consul", token)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, text, `"grpc_port"`, "it finds out where certificates are signed")
		status, _ = get(t, address+"/v1/acl/tokens", token)
		require.Equal(t, http.StatusForbidden, status, name)
	}
	operator := environment(project.Services["doctor"])["TAPROOM_CONSUL_TOKEN"]
	status, text := get(t, address+"/v1/catalog/nodes", operator)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `"consul"`)
	status, _ = get(t, leaf+"nobody", operator)
	require.Equal(t, http.StatusForbidden, status)
	status, _ = get(t, address+"/v1/acl/tokens", "")
	require.Equal(t, http.StatusForbidden, status)
}

// natsAddresses are where the servers are here: each has an address of its own, as each container has.
var natsAddresses = strings.NewReplacer("nats-1:", "127.77.0.1:", "nats-2:", "127.77.0.2:", "nats-3:", "127.77.0.3:")

// nats starts the NATS servers as composed, and waits until they are one cluster.
func nats(t *testing.T, project *types.Project) {
	declared, err := os.ReadFile("nats/nats.conf")
	require.NoError(t, err)
	accounts, err := os.ReadFile("nats/accounts.conf")
	require.NoError(t, err)
	var names []string
	var monitors []string
	for i := range 3 {
		name, address := fmt.Sprintf("nats-%d", i+1), fmt.Sprintf("127.77.0.%d", i+1)
		folder := t.TempDir()
		text := strings.ReplaceAll(strings.ReplaceAll(string(declared), "0.0.0.0", address), `"/data"`, strconv.Quote(folder))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "nats.conf"), []byte(text), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "accounts.conf"), accounts, 0o600))
		env := environment(project.Services[name])
		require.Equal(t, name, env["TAPROOM_NATS_NAME"])
		env["TAPROOM_NATS_ROUTES"] = natsAddresses.Replace(env["TAPROOM_NATS_ROUTES"])
		start(t, list(env), nil, tool(t, "nats-server"), "--config", filepath.Join(folder, "nats.conf"))
		names = append(names, name)
		monitors = append(monitors, "http://"+address+":8222")
	}
	for _, monitor := range monitors {
		require.Eventually(t, func() bool {
			status, _ := get(t, monitor+"/healthz", "")
			if status != http.StatusOK {
				return false
			}
			var state struct {
				Config struct {
					Sync bool `json:"sync_always"`
				} `json:"config"`
				Meta struct {
					Leader string `json:"leader"`
					Size   int    `json:"cluster_size"`
				} `json:"meta_cluster"`
			}
			_, text := get(t, monitor+"/jsz", "")
			require.NoError(t, json.Unmarshal([]byte(text), &state))
			if state.Meta.Leader == "" || state.Meta.Size != len(names) {
				return false
			}
			require.Contains(t, names, state.Meta.Leader)
			require.True(t, state.Config.Sync)
			return true
		}, patience, 100*time.Millisecond, monitor)
	}
}

// What the files say is run here without containers: every service answers, by its own certificates, and the shop opens.
func TestTheShopOpensAsComposed(t *testing.T) {
	made := secrets(t)
	project := compose(t, made)
	port := strconv.Itoa(postgres(t, made["TAPROOM_POSTGRES_PASSWORD"]))
	nats(t, project)
	parts := strings.NewReplacer("http://consul:8500", consul(t, project), "@postgres/", "@127.0.0.1:"+port+"/", "@redis:6379", "@127.0.0.1:1")
	databases := environment(project.Services["databases"])
	databases["PGHOST"], databases["PGPORT"] = "127.0.0.1", port
	said, err := script(t, list(databases), "postgres/databases.sh")
	require.NoError(t, err, said)
	here := func(name string) []string {
		env := environment(project.Services[name])
		for variable, value := range env {
			env[variable] = natsAddresses.Replace(parts.Replace(value))
		}
		return list(env)
	}
	said, err = run(t, here("migrate"), project.Services["migrate"].Command...)
	require.NoError(t, err, said)
	kept := filepath.Join(t.TempDir(), "secrets")
	said, err = run(t, nil, "secrets", kept)
	require.NoError(t, err, said)

	// One machine has each port once. What was first in an environment is said again, and counts no more.
	internal := make(map[string]string)
	var public string
	for _, name := range services(t) {
		internal[name] = fmt.Sprintf("TAPROOM_INTERNAL_LISTEN=:%d", freePort(t, ""))
		env := append(here(name), internal[name], fmt.Sprintf("TAPROOM_SERVICE_LISTEN=:%d", freePort(t, "")))
		switch name {
		case "user", "payment":
			env = append(env, "TAPROOM_SECRETS="+kept)
		case "edge":
			listen := fmt.Sprintf(":%d", freePort(t, ""))
			public = "http://127.0.0.1" + listen
			env = append(env, "TAPROOM_LISTEN="+listen)
		}
		start(t, env, nil, program(t), project.Services[name].Command...)
	}
	for name, listen := range internal {
		require.Eventually(t, func() bool {
			_, err := run(t, []string{listen}, "ready")
			return err == nil
		}, 2*patience, 200*time.Millisecond, name)
	}
	require.Eventually(t, func() bool {
		status, answer := get(t, public+"/taproom.shipping.v1.ShippingService/ListShippingMethods?connect=v1&encoding=json&message=%7B%7D", "")
		return status == http.StatusOK && strings.Contains(answer, `"methods"`)
	}, patience, 200*time.Millisecond)
}
