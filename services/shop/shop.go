// Package shop puts the whole shop together in one process: every service, on embedded parts, behind the edge. The
// services are the ones that run distributed, made by the same constructors.
package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/server"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Config says how to run the shop.
type Config struct {
	Listen      string // address of the edge, such as 127.0.0.1:8080
	Data        string // folder that keeps everything between runs
	DatabaseURL string // of the services' databases, with {service} in it; empty: files in Data
	Demo        bool   // with simulated warehouse, courier and card provider
	Version     string
	Telemetry   telemetry.Providers // who opened them closes them, after the shop
	Edge        edge.Config
	Services    Settings
}

// Shop is a shop whose parts are open. Run it, then Close it.
type Shop struct {
	log      *slog.Logger
	cfg      Config
	parts    *parts
	running  []running
	handler  http.Handler
	listener net.Listener
}

// Open starts the parts, puts the services together and takes the address to listen on, but answers nothing yet.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Shop, error) {
	list := services()
	p, err := openParts(ctx, cfg, list, log)
	if err != nil {
		return nil, err
	}
	s := &Shop{log: log, cfg: cfg, parts: p}
	if err := s.build(list); err != nil {
		return nil, errors.Join(err, p.close())
	}
	var l net.ListenConfig
	if s.listener, err = l.Listen(ctx, "tcp", cfg.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s: %w; choose another address with --listen", cfg.Listen, err), p.close())
	}
	return s, nil
}

func (s *Shop) build(list []service) error {
	for _, entry := range list {
		f := s.parts.foundation(entry.name, s.cfg.Demo, s.log)
		m, err := entry.on(f, s.cfg.Services, s.parts.secrets)
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		module.Mount(mux, m)
		s.parts.resolver.Register(entry.name, mux)
		s.running = append(s.running, running{m, f})
	}
	front, err := edge.New(s.cfg.Edge, s.parts.resolver, nil, s.cfg.Telemetry.Of("edge"), edge.About{Demo: s.cfg.Demo, Version: s.cfg.Version}, s.log.With(slog.String("service", "edge")))
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	mux := http.NewServeMux()
	module.Mount(mux, front)
	server.MountHealth(mux, s.checks())
	s.parts.resolver.Register("edge", mux)
	s.handler = mux
	return nil
}

// checks are what the shop depends on.
func (s *Shop) checks() []module.Check {
	checks := []module.Check{
		{Name: "nats", Run: func(ctx context.Context) error { return s.parts.nats.FlushWithContext(ctx) }},
		{Name: "redis", Run: func(ctx context.Context) error { return s.parts.redis.Ping(ctx).Err() }},
	}
	for _, r := range s.running {
		checks = append(checks, r.checks(r.module)...)
	}
	return checks
}

// URL is the address of the edge.
func (s *Shop) URL() string { return "http://" + s.listener.Addr().String() }

// Run answers calls and does the background work until ctx ends, then stops in order: no new calls, then the work.
// ready is called once calls are answered.
func (s *Shop) Run(ctx context.Context, ready func(ctx context.Context)) error {
	// Background work outlives the calls that make it.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := s.parts.revocations.Start(work, s.parts.js); err != nil {
		return err
	}
	group, work := errgroup.WithContext(work)
	for _, r := range s.running {
		r.work(work, group, r.module)
	}
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(work, cancel) // work that can't go on stops the shop
	var announced sync.WaitGroup
	announced.Go(func() { ready(serving) })
	err := server.Run(serving, s.log, s.listener, s.handler)
	cancel()
	announced.Wait() // it uses the parts

	drain, cancelDrain := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelDrain()
	err = errors.Join(err, s.parts.resolver.Shutdown(drain))
	stop()
	return errors.Join(err, group.Wait())
}

// Close closes the parts, once Run has returned.
func (s *Shop) Close() error {
	_ = s.listener.Close() // already closed when Run was called
	return s.parts.close()
}
