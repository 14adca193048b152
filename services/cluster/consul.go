package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	consul "github.com/hashicorp/consul/api"
)

// addConsul makes the Consul agent, a server too, with the settings that are declared for every deployment.
func (c *Cluster) addConsul(settingsFile string) error {
	binary, err := c.tool("consul", "tools:consul")
	if err != nil {
		return err
	}
	local, err := c.configureConsul()
	if err != nil {
		return err
	}
	c.consul, err = c.newProcess(program{
		name: "consul", kind: Consul, address: c.state.address("consul"),
		command: func(ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, binary, "agent", "-config-file", settingsFile, "-config-file", local) //nolint:gosec // the project's own tool
		},
		ready:  c.consulReady,
		status: 1, // a server that does not leave for good says so
	})
	return err
}

// configureConsul writes what is this agent's own: addresses, folder and the first token.
func (c *Cluster) configureConsul() (path string, err error) {
	ports := make(map[string]int)
	for port, name := range map[string]string{"http": "consul", "grpc": "consul certificates", "server": "consul server", "serf_lan": "consul gossip"} {
		_, number, err := net.SplitHostPort(c.state.address(name))
		if err != nil {
			return "", err
		}
		if ports[port], err = strconv.Atoi(number); err != nil {
			return "", err
		}
	}
	for _, unused := range []string{"serf_wan", "dns", "https", "grpc_tls"} {
		ports[unused] = -1
	}
	management := c.state.secret("consul management")
	content, err := json.MarshalIndent(map[string]any{
		"node_name": "local", "bootstrap_expect": 1, "data_dir": filepath.Join(c.folder("consul"), "data"),
		"bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "ports": ports,
		"acl": map[string]any{"tokens": map[string]string{"initial_management": management, "agent": management}},
	}, "", "  ")
	if err != nil {
		return "", err
	}
	path = filepath.Join(c.folder("consul"), "consul.json")
	return path, os.WriteFile(path, content, 0o600)
}

// consulReady asks for what comes last: tokens are known, and certificates are issued.
func (c *Cluster) consulReady(ctx context.Context) error {
	client, err := c.ConsulClient()
	if err != nil {
		return err
	}
	options := new(consul.QueryOptions).WithContext(ctx)
	if _, _, err := client.ACL().TokenReadSelf(options); err != nil {
		return err
	}
	roots, _, err := client.Agent().ConnectCARoots(options)
	if err == nil && len(roots.Roots) == 0 {
		err = errors.New("Consul has no certificate authority yet") //nolint:staticcheck // a name
	}
	return err
}

// servicePolicy is what a service may do at Consul: register itself, get its own certificate, and find the others.
const servicePolicy = `
service "%s" {policy = "write"}
service_prefix "" {policy = "read"}
node_prefix "" {policy = "read"}
`

// operatorPolicy is to look, and to change nothing.
const operatorPolicy = `
service_prefix "" {policy = "read"}
node_prefix "" {policy = "read"}
agent_prefix "" {policy = "read"}
operator = "read"
`

// createTokens gives each service a token of its own.
func (c *Cluster) createTokens(ctx context.Context) error {
	client, err := c.ConsulClient()
	if err != nil {
		return err
	}
	policies := map[string]string{operator: operatorPolicy}
	for _, m := range topology {
		policies[m.service] = fmt.Sprintf(servicePolicy, m.service)
	}
	write := new(consul.WriteOptions).WithContext(ctx)
	read := new(consul.QueryOptions).WithContext(ctx)
	known, _, err := client.ACL().PolicyList(read)
	if err != nil {
		return err
	}
	ids := make(map[string]string)
	for _, policy := range known {
		ids[policy.Name] = policy.ID
	}
	for user, rules := range policies {
		policy := &consul.ACLPolicy{ID: ids["taproom-"+user], Name: "taproom-" + user, Rules: rules}
		if policy.ID == "" {
			_, _, err = client.ACL().PolicyCreate(policy, write)
		} else {
			_, _, err = client.ACL().PolicyUpdate(policy, write)
		}
		if err != nil {
			return fmt.Errorf("the policy of %s at Consul: %w", user, err)
		}
		own, err := c.consulClient(c.consulToken(user))
		if err != nil {
			return err
		}
		if _, _, err := own.ACL().TokenReadSelf(read); err == nil {
			continue
		}
		token := &consul.ACLToken{
			SecretID: c.consulToken(user), Description: "taproom " + user, Policies: []*consul.ACLTokenPolicyLink{{Name: policy.Name}},
		}
		if _, _, err := client.ACL().TokenCreate(token, write); err != nil {
			return fmt.Errorf("the token of %s at Consul: %w", user, err)
		}
	}
	return nil
}

func (c *Cluster) consulToken(user string) string { return c.state.secret("consul " + user) }

// ConsulURL is the address of the Consul agent.
func (c *Cluster) ConsulURL() string { return "http://" + c.consul.Address() }

// ConsulClient returns a client that may do everything.
func (c *Cluster) ConsulClient() (*consul.Client, error) {
	return c.consulClient(c.state.secret("consul management"))
}

func (c *Cluster) consulClient(token string) (*consul.Client, error) {
	return consul.NewClient(&consul.Config{Address: c.consul.Address(), Scheme: "http", Token: token})
}
