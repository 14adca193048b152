package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// addServices makes the processes of all services.
func (c *Cluster) addServices() error {
	if _, err := os.Stat(c.taproom); err != nil {
		return fmt.Errorf("the shop's program is missing: run `go tool task build`: %w", err)
	}
	for _, m := range topology {
		for _, name := range m.names() {
			p, err := c.newService(m, name, "")
			if err != nil {
				return err
			}
			if m.service == edge {
				c.edge = p
			} else {
				c.services = append(c.services, p)
			}
		}
	}
	return nil
}

// newService makes a process of a service. Where it listens goes by the seat, of which a replica that is replaced has two.
func (c *Cluster) newService(m member, name, seat string) (*Process, error) {
	internal := c.state.address(name + seat + " internal")
	calls := c.state.address(name + seat)
	address := calls
	args := []string{"serve", m.service, "--service-listen", calls, "--internal-listen", internal}
	if m.service == edge {
		if address = c.listen(); seat != "" {
			address = c.state.address("edge web" + seat)
		}
		args = append(args, "--listen", address)
	}
	if c.cfg.Demo {
		args = append(args, "--demo")
	}
	args = append(args, flagsOf(m.service, c.cfg.Flags)...)
	environment := append(inherited(), c.environmentOf(m)...)
	if c.cfg.NATS != nil {
		environment = append(environment, "TAPROOM_NATS_URL="+c.cfg.NATS(m.service, c.NATSURL()))
	}
	return c.newProcess(program{
		name: name, kind: Service, address: address, seat: seat,
		command: func(ctx context.Context) *exec.Cmd {
			command := exec.CommandContext(ctx, c.taproom, args...) //nolint:gosec // the program under the operator's control
			command.Env = environment
			return command
		},
		ready: func(ctx context.Context) error { return c.get(ctx, "http://"+internal+"/readyz") },
	})
}

// listen is the address of the edge.
func (c *Cluster) listen() string {
	if c.cfg.Listen != "" {
		return c.cfg.Listen
	}
	return c.state.address("edge web")
}

// environmentOf is what a service is told of the parts, and nobody else is.
func (c *Cluster) environmentOf(m member) []string {
	environment := []string{
		"TAPROOM_NATS_URL=" + c.NATSURL(), "TAPROOM_NATS_REPLICAS=" + strconv.Itoa(natsServers),
		"TAPROOM_REDIS_URL=" + c.RedisURL(),
		"TAPROOM_CONSUL_URL=" + c.ConsulURL(), "TAPROOM_CONSUL_TOKEN=" + c.consulToken(m.service),
	}
	if m.service != edge {
		environment = append(environment, "TAPROOM_NATS_PASSWORD="+c.state.secret("nats "+m.service))
	}
	if m.database {
		// One password opens one database, so the pattern fits this service alone.
		environment = append(environment, "TAPROOM_DATABASE_URL="+c.postgresURL("taproom_{service}", c.state.secret("database "+m.service), "taproom_{service}"))
	}
	if m.secrets {
		environment = append(environment, "TAPROOM_SECRETS="+c.folder("secrets"))
	}
	return environment
}

// inherited is this process's environment but for settings of the shop, which the cluster makes itself.
func inherited() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "TAPROOM_") })
}

// flagsOf are those flags that a service gets: its own, which begin with its name, and those that are nobody's.
func flagsOf(service string, flags []string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(flag string) bool {
		return slices.ContainsFunc(topology, func(m member) bool {
			return m.service != service && strings.HasPrefix(flag, "--"+m.service+"-")
		})
	})
}

// Command is a command of the program taproom that looks after the shop, such as `doctor` or `books`: it is told where all
// parts are, and may do everything with the databases.
func (c *Cluster) Command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, c.taproom, args...) //nolint:gosec // the program under the operator's control
	command.Env = append(inherited(),
		"TAPROOM_URL="+c.URL(), "TAPROOM_SECRETS="+c.folder("secrets"),
		"TAPROOM_DATABASE_URL="+c.superuserURL(databaseName("{service}")),
		"TAPROOM_NATS_URL="+c.NATSURL(), "TAPROOM_NATS_USER="+operator, "TAPROOM_NATS_PASSWORD="+c.state.secret("nats "+operator),
		"TAPROOM_NATS_REPLICAS="+strconv.Itoa(natsServers),
		"TAPROOM_REDIS_URL="+c.RedisURL(),
		"TAPROOM_CONSUL_URL="+c.ConsulURL(), "TAPROOM_CONSUL_TOKEN="+c.consulToken(operator))
	command.SysProcAttr = apart(nil, syscall.SIGKILL)
	return command
}

// run runs such a command to its end.
func (c *Cluster) run(ctx context.Context, args ...string) (said string, err error) {
	text, err := c.Command(ctx, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("taproom %s: %w\n%s", strings.Join(args, " "), err, text)
	}
	return string(text), nil
}

// migrate brings the database of each service up to date, as that service.
func (c *Cluster) migrate(ctx context.Context) error {
	for _, m := range topology {
		if !m.database {
			continue
		}
		command := c.Command(ctx, "migrate", m.service)
		command.Env = append(inherited(), c.environmentOf(m)...)
		if said, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("taproom migrate %s: %w\n%s", m.service, err, said)
		}
	}
	return nil
}

// tool finds a tool that a task builds.
func (c *Cluster) tool(name, task string) (string, error) {
	path := filepath.Join(c.cfg.Root, "bin", "tools", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing: run `go tool task %s`: %w", path, task, err)
	}
	return path, nil
}
