// Package cluster runs the shop as it runs in production, on this machine and without containers: PostgreSQL, Redis, three
// NATS servers, Consul, and every service as processes of their own. Each part can be killed and started again.
package cluster

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/internal/embedded"
)

// What every deployment shares, below Config.Root.
const (
	accounts = "deploy/nats/accounts.conf" // at NATS
	settings = "deploy/consul/server.hcl"  // of Consul
)

// Config says how to run a cluster.
type Config struct {
	// Root is the folder of the sources, with bin/taproom, bin/tools and deploy in it.
	Root string
	// Data is the folder that keeps everything between starts: data, passwords, ports and logs.
	Data string
	// Taproom is the program that runs the services; empty: Root/bin/taproom.
	Taproom string
	// Listen is the address of the edge; empty: any that is free, the same at every start.
	Listen string
	// Demo has warehouse, couriers and card provider simulated.
	Demo bool
	// Flags are more flags of `taproom serve`. One that begins with a service's name goes to that service alone.
	Flags []string
	// RestartAfter is the pause after which a process that ended by itself is started again. Zero: it stays down.
	RestartAfter time.Duration
	// NATS has a service reach NATS by another way than url, which names all servers. Nil: there is no other way.
	NATS func(service, url string) string
}

// Cluster is a running cluster.
type Cluster struct {
	cfg     Config
	taproom string
	log     *slog.Logger
	http    *http.Client
	state   *state
	unlock  func() error

	postgres, redis, consul *Process
	nats                    []*Process
	mu                      sync.RWMutex // guards which processes run the services
	edge                    *Process
	services                []*Process

	up       atomic.Bool // all was ready once
	life     context.Context
	stop     context.CancelFunc
	restarts sync.WaitGroup
}

// Start starts the cluster on its data folder and returns when all of it answers. When it can't, nothing is left running.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Cluster, error) {
	c, err := newCluster(cfg, log)
	if err != nil {
		return nil, err
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	c.up.Store(true)
	return c, nil
}

func newCluster(cfg Config, log *slog.Logger) (c *Cluster, err error) {
	for _, path := range []*string{&cfg.Root, &cfg.Data, &cfg.Taproom} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	c = &Cluster{cfg: cfg, taproom: cfg.Taproom, log: log, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if c.taproom == "" {
		c.taproom = filepath.Join(cfg.Root, "bin", "taproom")
	}
	// Others may pass through the data folder, as PostgreSQL's user must, and look into none of its folders.
	if err := os.MkdirAll(cfg.Data, 0o711); err != nil { //nolint:gosec // see above
		return nil, err
	}
	for _, name := range []string{"logs", "nats", "redis", "consul", "secrets"} {
		if err := os.MkdirAll(c.folder(name), 0o700); err != nil {
			return nil, err
		}
	}
	if c.unlock, err = embedded.Lock(cfg.Data); err != nil {
		return nil, err
	}
	if c.state, err = loadState(c.folder("state.json")); err == nil {
		err = c.state.makeSecrets()
	}
	if err != nil {
		return nil, errors.Join(err, c.unlock())
	}
	c.life, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// folder is a folder of the cluster's data.
func (c *Cluster) folder(name string) string { return filepath.Join(c.cfg.Data, name) }

// start starts the parts, makes on them what services need, and starts the services.
func (c *Cluster) start(ctx context.Context) error {
	err := errors.Join(
		c.addPostgres(ctx),
		c.addRedis(),
		c.addNATS(filepath.Join(c.cfg.Root, accounts)),
		c.addConsul(filepath.Join(c.cfg.Root, settings)),
	)
	if err != nil {
		return err
	}
	if err := c.addServices(); err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	return c.each(ctx, append(c.services, c.edge), (*Process).Start)
}

// prepare starts the parts and makes databases, tokens and secrets on them.
func (c *Cluster) prepare(ctx context.Context) error {
	if err := c.state.save(); err != nil { // the ports are known now
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := c.postgres.Start(ctx); err != nil {
			return err
		}
		if err := c.createDatabases(ctx); err != nil {
			return err
		}
		return c.migrate(ctx)
	})
	group.Go(func() error { return c.redis.Start(ctx) })
	group.Go(func() error {
		if err := c.each(ctx, c.nats, (*Process).Start); err != nil {
			return err
		}
		return c.awaitJetStream(ctx)
	})
	group.Go(func() error {
		if err := c.consul.Start(ctx); err != nil {
			return err
		}
		return c.createTokens(ctx)
	})
	group.Go(func() error {
		_, err := c.run(ctx, "secrets", c.folder("secrets"))
		return err
	})
	return group.Wait()
}

// each does something with processes side by side.
func (c *Cluster) each(ctx context.Context, processes []*Process, do func(*Process, context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range processes {
		group.Go(func() error { return do(p, ctx) })
	}
	return group.Wait()
}

// Demo gives the shop its demo accounts, beers and stock, and returns what there is to tell of them.
func (c *Cluster) Demo(ctx context.Context) (said string, err error) {
	return c.run(ctx, "demo")
}

// URL is the address of the shop.
func (c *Cluster) URL() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return "http://" + c.edge.Address()
}

// Logs is the folder of the processes' logs.
func (c *Cluster) Logs() string { return c.folder("logs") }

// Processes are all processes, in the order of starting.
func (c *Cluster) Processes() []*Process {
	all := []*Process{c.postgres, c.redis}
	all = append(all, c.nats...)
	all = append(all, c.consul)
	c.mu.RLock()
	defer c.mu.RUnlock()
	all = append(all, c.services...)
	return append(all, c.edge)
}

// Process is the process of that name, such as `order-2` or `nats-1`; nil: there is none.
func (c *Cluster) Process(name string) *Process {
	for _, p := range c.Processes() {
		if p.name == name {
			return p
		}
	}
	return nil
}

// Of are the processes of a service.
func (c *Cluster) Of(service string) []*Process {
	var of []*Process
	for _, m := range topology {
		if m.service == service {
			for _, name := range m.names() {
				of = append(of, c.Process(name))
			}
		}
	}
	return of
}

// died starts a process again that nobody asked to end.
func (c *Cluster) died(p *Process, cause error) {
	if !c.up.Load() || c.life.Err() != nil {
		return
	}
	c.log.Warn("a process ended by itself", slog.String("process", p.name), slog.Any("error", cause), slog.String("log", p.logFile))
	if c.cfg.RestartAfter <= 0 {
		return
	}
	c.restarts.Go(func() { c.restart(p) })
}

// restart starts a process after a pause, again and again until it answers.
func (c *Cluster) restart(p *Process) {
	for {
		select {
		case <-c.life.Done():
			return
		case <-time.After(c.cfg.RestartAfter):
		}
		if p.unwanted() {
			return
		}
		err := p.Start(c.life)
		switch {
		case err == nil:
			c.log.Info("it runs again", slog.String("process", p.name), slog.Int("pid", p.PID()))
			return
		case c.life.Err() == nil:
			c.log.Error("it does not come back yet", slog.String("process", p.name), slog.Any("error", err))
		}
	}
}

// Stop ends the cluster: first what takes calls, then the services, then what they stand on.
func (c *Cluster) Stop() error {
	c.stop()
	c.restarts.Wait()
	var errs []error
	for _, together := range [][]*Process{{c.edge}, c.services, {c.consul}, c.nats, {c.redis}, {c.postgres}} {
		ends := make([]error, len(together))
		var ending sync.WaitGroup
		for i, p := range together {
			if p != nil { // a start that failed made not all of them
				ending.Go(func() { ends[i] = p.Stop() })
			}
		}
		ending.Wait()
		errs = append(errs, ends...)
	}
	return errors.Join(append(errs, c.unlock())...)
}
