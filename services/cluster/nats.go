package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// operator is the user, at NATS and at Consul, who looks after the shop.
const operator = "operator"

// addNATS makes the NATS servers, which know each other by a password and services by the accounts that are declared for
// every deployment.
func (c *Cluster) addNATS(accountsFile string) error {
	binary, err := c.tool("nats-server", "tools:nats")
	if err != nil {
		return err
	}
	declared, err := os.ReadFile(accountsFile)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.folder("nats"), "accounts.conf"), declared, 0o600); err != nil { //nolint:gosec // the operator's folder
		return err
	}
	var routes []string
	for i := range natsServers {
		routes = append(routes, fmt.Sprintf("nats-route://routes:%s@%s", c.state.secret("nats routes"), c.state.address(natsName(i)+" routes")))
	}
	environment := append(inherited(), c.natsPasswords()...)
	for i := range natsServers {
		config, err := c.configureNATS(natsName(i), routes)
		if err != nil {
			return err
		}
		health := "http://" + c.state.address(natsName(i)+" monitor") + "/healthz?js-enabled-only=true"
		server, err := c.newProcess(program{
			name: natsName(i), kind: NATS, address: c.state.address(natsName(i)),
			command: func(ctx context.Context) *exec.Cmd {
				command := exec.CommandContext(ctx, binary, "-c", config) //nolint:gosec // the project's own tool
				command.Env = environment
				return command
			},
			ready: func(ctx context.Context) error { return c.get(ctx, health) },
		})
		if err != nil {
			return err
		}
		c.nats = append(c.nats, server)
	}
	return nil
}

func natsName(i int) string { return fmt.Sprintf("nats-%d", i+1) }

// configureNATS writes the configuration of a server.
func (c *Cluster) configureNATS(name string, routes []string) (path string, err error) {
	path = filepath.Join(c.folder("nats"), name+".conf")
	text := fmt.Sprintf(`server_name: %s
listen: %q
http: %q
jetstream {store_dir: %q, sync_interval: always}
cluster {
  name: taproom
  listen: %q
  no_advertise: true
  authorization {user: routes, password: %s}
  routes: [%s]
}
include accounts.conf
`, name, c.state.address(name), c.state.address(name+" monitor"), filepath.Join(c.folder("nats"), name),
		c.state.address(name+" routes"), c.state.secret("nats routes"), `"`+strings.Join(routes, `", "`)+`"`)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// natsPasswords are the variables that the accounts take their passwords from.
func (c *Cluster) natsPasswords() []string {
	users := []string{operator, "system"}
	for _, m := range topology {
		if m.service != edge {
			users = append(users, m.service)
		}
	}
	variables := make([]string, len(users))
	for i, user := range users {
		variables[i] = "TAPROOM_NATS_PASSWORD_" + strings.ToUpper(user) + "=" + c.state.secret("nats "+user)
	}
	return variables
}

// NATSURL is the address of all NATS servers.
func (c *Cluster) NATSURL() string {
	urls := make([]string, len(c.nats))
	for i, server := range c.nats {
		urls[i] = "nats://" + server.Address()
	}
	return strings.Join(urls, ",")
}

// ConnectNATS connects as a user, which is a service or `operator`.
func (c *Cluster) ConnectNATS(user string) (*nats.Conn, error) {
	return nats.Connect(c.NATSURL(), nats.UserInfo(user, c.state.secret("nats "+user)), nats.CustomInboxPrefix("_INBOX."+user),
		nats.Name("cluster "+user), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
}

// awaitJetStream waits until the servers agree on a leader.
func (c *Cluster) awaitJetStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	return until(ctx, func() error {
		conn, err := c.ConnectNATS(operator)
		if err != nil {
			return fmt.Errorf("NATS: %w", err)
		}
		defer conn.Close()
		js, err := jetstream.New(conn)
		if err != nil {
			return err
		}
		asking, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := js.AccountInfo(asking); err != nil {
			return fmt.Errorf("the NATS servers do not agree on a leader: %w", err)
		}
		return nil
	})
}

// until tries again until it works or ctx ends.
func until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(askEvery):
		}
	}
}

// get asks for any good answer of a URL.
func (c *Cluster) get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}
