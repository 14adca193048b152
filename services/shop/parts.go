package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// parts are what services stand on: here all of them run in this process, with their data in one folder.
type parts struct {
	dir         string
	secrets     secrets
	keys        *identity.Keys
	verifier    *identity.Verifier
	revocations *identity.Revocations
	broker      *server.Server
	nats        *nats.Conn
	js          jetstream.JetStream
	redis       redis.UniversalClient
	resolver    *discovery.InProcess
	telemetry   telemetry.Providers
	databases   map[string]*database.DB
	closers     []func() error // in the order of opening
}

// openParts starts the embedded parts on the data folder, which no other process may use.
func openParts(ctx context.Context, cfg Config, list []service, log *slog.Logger) (p *parts, err error) {
	dir, err := filepath.Abs(cfg.Data)
	if err != nil {
		return nil, err
	}
	urls, err := databaseURLs(cfg.DatabaseURL, dir)
	if err != nil {
		return nil, err
	}
	p = &parts{dir: dir, secrets: secrets(filepath.Join(dir, "secrets")), databases: make(map[string]*database.DB), resolver: discovery.NewInProcess(log), telemetry: cfg.Telemetry}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	unlock, err := embedded.Lock(dir)
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, unlock)
	if err := p.openIdentity(list); err != nil {
		return nil, err
	}
	if err := p.openMessaging(ctx, log); err != nil {
		return nil, err
	}
	redisClient, stopRedis, err := embedded.Redis()
	if err != nil {
		return nil, err
	}
	p.redis = redisClient
	p.closers = append(p.closers, stopRedis)
	return p, p.openDatabases(ctx, list, urls, log)
}

func (p *parts) openIdentity(list []service) (err error) {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.name
	}
	if err := MakeSecrets(string(p.secrets)); err != nil {
		return err
	}
	if p.keys, err = identity.LoadOrCreateKeys(string(p.secrets), names...); err != nil {
		return err
	}
	p.verifier = identity.NewVerifier(p.keys.Public(), time.Now)
	p.revocations = identity.NewRevocations(time.Now)
	return nil
}

func (p *parts) openMessaging(ctx context.Context, log *slog.Logger) (err error) {
	if p.broker, p.nats, err = embedded.NATS(filepath.Join(p.dir, "nats"), log); err != nil {
		return err
	}
	p.closers = append(p.closers, func() error { return embedded.StopNATS(p.broker, p.nats) })
	if p.js, err = jetstream.New(p.nats); err != nil {
		return err
	}
	return messaging.Reconcile(ctx, p.js, 1)
}

// databaseURLs tells where the database of each service is: where the operator's pattern says, or else in the data folder.
func databaseURLs(pattern, dir string) (of func(service string) string, err error) {
	if pattern == "" {
		pattern = "sqlite://" + filepath.Join(dir, placeholder+".db")
	}
	return forEach(pattern)
}

func (p *parts) openDatabases(ctx context.Context, list []service, urls func(service string) string, log *slog.Logger) error {
	for _, s := range list {
		if s.migrations == nil {
			continue
		}
		db, err := database.Open(ctx, database.Config{URL: urls(s.name)})
		if err != nil {
			return fmt.Errorf("opening the database of %s: %w", s.name, err)
		}
		p.databases[s.name] = db
		p.closers = append(p.closers, db.Close)
		if err := database.MigrateKeepingCopy(ctx, db, log.With(slog.String("service", s.name)), s.migrations()...); err != nil {
			return fmt.Errorf("migrating the database of %s: %w", s.name, err)
		}
		// The folder is this process's alone, so who held a lease before it is dead.
		if err := journal.DropLeases(ctx, db); err != nil {
			return fmt.Errorf("opening the database of %s: %w", s.name, err)
		}
		log.DebugContext(ctx, "database is open", slog.String("service", s.name))
	}
	return nil
}

// foundation is what a service stands on here.
func (p *parts) foundation(name string, demo bool, log *slog.Logger) foundation {
	return foundation{
		log: log.With(slog.String("service", name)), db: p.databases[name], nats: p.nats, js: p.js, redis: p.redis,
		resolver: p.resolver, self: identity.NewServiceIdentity(name, p.keys.Services[name], time.Now),
		verifier: p.verifier, revocations: p.revocations, telemetry: p.telemetry.Of(name), demo: demo, alone: true,
	}
}

// close closes everything in the reverse order of opening.
func (p *parts) close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	return errors.Join(errs...)
}
