package shop

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// foundation is what one service stands on, embedded parts or those of a cluster.
type foundation struct {
	log         *slog.Logger
	db          *database.DB // nil: the service has none
	nats        *nats.Conn
	js          jetstream.JetStream
	redis       redis.UniversalClient
	resolver    discovery.Resolver
	self        *identity.ServiceIdentity // nil: certificates prove who calls
	verifier    *identity.Verifier
	revocations *identity.Revocations
	telemetry   telemetry.Providers
	demo        bool
	alone       bool // no other process runs the service
}

// running is a service on its foundation.
type running struct {
	module *module.Module
	foundation
}

// on builds the service on a foundation.
func (s service) on(f foundation, settings Settings, kept secrets) (*module.Module, error) {
	kit, err := f.kit(s.name)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", s.name, err)
	}
	m, err := s.build(settings, kit, kept)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", s.name, err)
	}
	return m, nil
}

// electionTime is how long servers of a broker that lost the leader of a stream need to choose another, and a little longer.
const electionTime = 10 * time.Second

// kit is what the service is given.
func (f foundation) kit(name string) (module.Kit, error) {
	config := rpc.Config{Service: name, Log: f.log, Clock: time.Now, Verifier: f.verifier, Revocations: f.revocations, Telemetry: f.telemetry}
	if !f.alone {
		config.Patience = electionTime
	}
	options, err := rpc.Options(config)
	if err != nil {
		return module.Kit{}, err
	}
	peers, err := rpc.NewPeers(f.resolver, f.self, f.telemetry)
	if err != nil {
		return module.Kit{}, err
	}
	return module.Kit{
		Log: f.log, Clock: func() time.Time { return time.Now().UTC() }, DB: f.db, NATS: f.nats, JetStream: f.js, Redis: f.redis,
		Peers: peers, HandlerOptions: options, Verifier: f.verifier, Revocations: f.revocations, Demo: f.demo, Alone: f.alone,
	}, nil
}

// work starts the service's relay, consumers, workers and loops, which go on until ctx ends.
func (f foundation) work(ctx context.Context, group *errgroup.Group, m *module.Module) {
	runner := messaging.Runner{JetStream: f.js, DB: m.DB, Log: f.log, Tracing: f.telemetry.Tracer(), Alone: f.alone}
	if m.DB != nil {
		relay := messaging.Relay{Service: m.Name, DB: m.DB, NATS: f.nats, Log: f.log}
		group.Go(func() error { return relay.Run(ctx) })
	}
	f.observe(ctx, group, m)
	for _, consumer := range m.Consumers {
		group.Go(func() error { return runner.Consume(ctx, consumer) })
	}
	for _, worker := range m.Workers {
		group.Go(func() error { return runner.Work(ctx, worker) })
	}
	for _, loop := range m.Loops {
		group.Go(func() error {
			if err := loop.Run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s of %s: %w", loop.Name, m.Name, err)
			}
			return nil
		})
	}
}

// checks are what the service depends on.
func (f foundation) checks(m *module.Module) []module.Check {
	var checks []module.Check
	if m.DB != nil {
		checks = append(checks, module.Check{Name: m.Name + " database", Run: m.DB.Ping})
	}
	return append(checks, m.Health...)
}
