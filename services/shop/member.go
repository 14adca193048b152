package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	consul "github.com/hashicorp/consul/api"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/mtls"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/user"
)

// drainTime is how long a service that stops goes on answering after it has said so, until everybody has heard.
const drainTime = 2 * time.Second

// MemberConfig says which services of a cluster a process runs, and how.
type MemberConfig struct {
	Services      []string // by name; the edge is one of them
	Cluster       Cluster
	Listen        string // address of the edge
	ServiceListen string // address at which the edge and other services call those of this process
	Advertise     string // that address as others reach it; empty: the one that is listened on
	Internal      string // address of the internal listener, which says at /readyz whether the process takes calls
	Demo          bool
	Version       string
	Edge          edge.Config
	Settings      Settings
	Telemetry     telemetry.Providers
}

// Member is a process of a cluster whose parts are open. Run it, then Close it.
type Member struct {
	log        *slog.Logger
	cfg        MemberConfig
	consul     *consul.Client
	authority  *mtls.Authority
	redis      redis.UniversalClient
	running    []running
	identities []*mtls.Identity
	keys       []*identity.RemoteKeys
	front      *module.Module // nil: no edge
	public     net.Listener   // of the edge
	services   net.Listener   // of all others
	ready      atomic.Bool
	closers    []func() error // in the order of opening
}

// Join prepares the services and takes the addresses to listen on, but answers nothing yet.
func Join(ctx context.Context, cfg MemberConfig, log *slog.Logger) (*Member, error) {
	m, err := Prepare(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	if err := m.listen(ctx); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Prepare opens the parts that the services need and puts the services together. It waits for parts that don't answer, up to
// the cluster's StartTimeout. Background work of the identities ends with ctx.
func Prepare(ctx context.Context, cfg MemberConfig, log *slog.Logger) (m *Member, err error) {
	list, err := named(cfg.Services)
	if err != nil {
		return nil, err
	}
	if err := cfg.Cluster.complete(slices.ContainsFunc(list, func(s service) bool { return s.migrations != nil })); err != nil {
		return nil, err
	}
	m = &Member{log: log, cfg: cfg}
	opened := m // what is returned is nil after a failure
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Close())
		}
	}()
	if m.consul, err = cfg.Cluster.openConsul(); err != nil {
		return nil, err
	}
	m.authority = mtls.NewAuthority(mtls.Config{Client: m.consul, Token: cfg.Cluster.ConsulToken, Log: log})
	if m.redis, err = cfg.Cluster.openRedis(); err != nil {
		return nil, err
	}
	m.closers = append(m.closers, m.redis.Close)
	for _, s := range list {
		if err := m.add(ctx, s); err != nil {
			return nil, err
		}
	}
	if slices.Contains(cfg.Services, EdgeName) {
		if err := m.addEdge(ctx); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// resolver finds peers for the service name, and proves to them that it is that service.
func (m *Member) resolver(ctx context.Context, name string) (*discovery.Consul, *mtls.Identity, error) {
	var self *mtls.Identity
	err := m.cfg.Cluster.await(ctx, m.log, "Consul's certificates", func(context.Context) (err error) {
		self, err = m.authority.Identity(ctx, name)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	resolver := discovery.NewConsul(discovery.ConsulConfig{Client: m.consul, Log: m.log, TLS: self.Client})
	m.closers = append(m.closers, func() error { resolver.Close(); return nil })
	return resolver, self, nil
}

// add builds a service on what it stands on.
func (m *Member) add(ctx context.Context, s service) error {
	log := m.log.With(slog.String("service", s.name))
	kept := secrets(m.cfg.Cluster.Secrets)
	if err := kept.check(s.name); err != nil {
		return err
	}
	resolver, self, err := m.resolver(ctx, s.name)
	if err != nil {
		return err
	}
	m.identities = append(m.identities, self)
	f := foundation{log: log, redis: m.redis, resolver: resolver, telemetry: m.cfg.Telemetry.Of(s.name), demo: m.cfg.Demo}
	if s.migrations != nil {
		if f.db, err = m.cfg.Cluster.database(ctx, s, log); err != nil {
			return err
		}
		m.closers = append(m.closers, f.db.Close)
	}
	if f.nats, err = m.cfg.Cluster.broker(ctx, s.name, log); err != nil {
		return err
	}
	m.closers = append(m.closers, func() error { f.nats.Close(); return nil })
	if f.js, err = jetstream.New(f.nats); err != nil {
		return err
	}
	users := &http.Client{Transport: resolver.Transport(user.Name)} //nolint:contextcheck // its watch goes on until resolver is closed
	keys := identity.NewRemoteKeys(users, resolver.URL(user.Name)+identity.JWKSPath, log, time.Now)
	m.keys = append(m.keys, keys)
	f.verifier = identity.NewVerifier(keys, time.Now)
	f.revocations = identity.NewRevocations(time.Now)
	built, err := s.on(f, m.cfg.Settings, kept)
	if err != nil {
		return err
	}
	m.running = append(m.running, running{built, f})
	return nil
}

func (m *Member) addEdge(ctx context.Context) error {
	resolver, _, err := m.resolver(ctx, EdgeName)
	if err != nil {
		return err
	}
	m.front, err = edge.New(m.cfg.Edge, resolver, m.redis, m.cfg.Telemetry.Of(EdgeName), edge.About{Demo: m.cfg.Demo, Version: m.cfg.Version}, m.log.With(slog.String("service", EdgeName)))
	return err
}

// listen takes the addresses.
func (m *Member) listen(ctx context.Context) (err error) {
	var l net.ListenConfig
	if m.front != nil {
		if m.public, err = l.Listen(ctx, "tcp", m.cfg.Listen); err != nil {
			return fmt.Errorf("listening on %s: %w; choose another address with --listen", m.cfg.Listen, err)
		}
		m.closers = append(m.closers, closeListener(m.public))
	}
	if len(m.running) > 0 {
		if m.services, err = l.Listen(ctx, "tcp", m.cfg.ServiceListen); err != nil {
			return fmt.Errorf("listening on %s: %w; choose another address with --service-listen", m.cfg.ServiceListen, err)
		}
		m.closers = append(m.closers, closeListener(m.services))
	}
	return nil
}
