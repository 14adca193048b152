package shop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	consul "github.com/hashicorp/consul/api"
	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/mtls"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/server"
)

var errNotReady = errors.New("the services are starting or stopping")

// Internal serves what the process tells those who run it. Whether it is ready depends on no part: a service that is cut off
// from its broker still answers what it can.
func (m *Member) Internal(metrics http.Handler) http.Handler {
	return server.Internal(metrics, m.Checks(), func() error {
		if !m.ready.Load() {
			return errNotReady
		}
		return nil
	})
}

// Checks are what the process depends on.
func (m *Member) Checks() []module.Check {
	checks := []module.Check{
		{Name: "redis", Run: func(ctx context.Context) error { return m.redis.Ping(ctx).Err() }},
		{Name: "consul", Run: func(ctx context.Context) error {
			_, err := m.consul.Status().LeaderWithQueryOptions((&consul.QueryOptions{}).WithContext(ctx))
			return err
		}},
	}
	for _, r := range m.running {
		checks = append(checks, module.Check{Name: r.module.Name + " nats", Run: r.nats.FlushWithContext})
		checks = append(checks, r.checks(r.module)...)
	}
	return checks
}

// Run answers calls and does the background work until ctx ends. Then it stops in order: it tells Consul, goes on answering
// until everybody has heard, finishes the calls that have begun, and then the work.
func (m *Member) Run(ctx context.Context) error {
	// Background work outlives the calls that make it.
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work, working := errgroup.WithContext(base)
	if err := m.startWork(ctx, working, work); err != nil {
		stop()
		return errors.Join(err, work.Wait())
	}
	serving, stopServing := context.WithCancel(base)
	defer stopServing()
	servers, answering := errgroup.WithContext(serving)
	m.startServers(answering, servers)

	for _, keys := range m.keys {
		work.Go(func() error {
			keys.Learn(working)
			return nil
		})
	}

	leave, err := m.announce(base)
	if err == nil {
		m.ready.Store(true)
		m.log.InfoContext(ctx, "answering calls", slog.Any("services", m.cfg.Services))
		select {
		case <-ctx.Done():
		case <-working.Done(): // work that can't go on stops the process
		case <-answering.Done():
		}
		m.ready.Store(false)
	}
	leave(base)
	stopServing()
	err = errors.Join(err, servers.Wait())
	stop()
	return errors.Join(err, work.Wait())
}

// startWork brings the streams up to their declarations, learns which sessions ended early, and starts the background work.
func (m *Member) startWork(ctx, working context.Context, work *errgroup.Group) error {
	for _, r := range m.running {
		if err := m.cfg.Cluster.streams(ctx, r.js, r.module.Name, r.log); err != nil {
			return err
		}
		err := m.cfg.Cluster.await(ctx, r.log, "the stream "+messaging.StreamUsers, func(context.Context) error {
			return r.revocations.Start(working, r.js)
		})
		if err != nil {
			return err
		}
		r.work(working, work, r.module)
	}
	return nil
}

// startServers answers calls: those of customers at the edge, and those of services that prove who they are at all others.
func (m *Member) startServers(ctx context.Context, group *errgroup.Group) {
	if m.front != nil {
		mux := http.NewServeMux()
		module.Mount(mux, m.front)
		server.MountHealth(mux, m.Checks())
		group.Go(func() error { return server.Run(ctx, m.log, m.public, mux) })
	}
	if len(m.running) > 0 {
		mux := http.NewServeMux()
		for _, r := range m.running {
			module.Mount(mux, r.module)
		}
		secured := tls.NewListener(m.services, mtls.Server(m.identities...))
		group.Go(func() error { return server.Run(ctx, m.log, secured, rpc.TrustPeerCertificates(mux)) })
	}
}

// announce registers each service with Consul. leave takes them out again and waits until everybody has heard.
func (m *Member) announce(ctx context.Context) (leave func(ctx context.Context), err error) {
	var left []func(context.Context) error
	leave = func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, drainTime)
		defer cancel()
		for _, deregister := range left {
			if err := deregister(ctx); err != nil {
				m.log.WarnContext(ctx, "Consul can't be told that a service stops", slog.Any("error", err))
			}
		}
		if len(left) > 0 {
			<-ctx.Done()
		}
	}
	register := func(service string, listener net.Listener, advertised string) error {
		address, ready, err := m.addresses(ctx, listener, advertised)
		if err != nil {
			return err
		}
		deregister, err := discovery.Register(ctx, m.consul, m.log, discovery.Registration{
			Service: service, Address: address, ReadyURL: ready, Version: m.cfg.Version,
		})
		if err == nil {
			left = append(left, deregister)
		}
		return err
	}
	for _, r := range m.running {
		if err := register(r.module.Name, m.services, m.cfg.Advertise); err != nil {
			return leave, err
		}
	}
	if m.front != nil {
		return leave, register(EdgeName, m.public, "")
	}
	return leave, nil
}

// addresses are where others reach a listener, and where Consul asks whether the process is ready.
func (m *Member) addresses(ctx context.Context, listener net.Listener, advertised string) (address, ready string, err error) {
	if advertised == "" {
		if advertised, err = discovery.Reachable(ctx, listener.Addr(), m.cfg.Cluster.ConsulURL); err != nil {
			return "", "", fmt.Errorf("%w; say with --advertise at which host:port others reach this process", err)
		}
	}
	host, _, err := net.SplitHostPort(advertised)
	if err != nil {
		return "", "", fmt.Errorf("--advertise: write host:port, as others reach it: %w", err)
	}
	_, port, err := net.SplitHostPort(m.cfg.Internal)
	if err != nil {
		return "", "", fmt.Errorf("--internal-listen: write host:port: %w", err)
	}
	return advertised, "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// Close closes the parts, once Run has returned.
func (m *Member) Close() error {
	var errs []error
	for i := len(m.closers) - 1; i >= 0; i-- {
		errs = append(errs, m.closers[i]())
	}
	return errors.Join(errs...)
}

// closeListener closes a listener that a server may have closed already.
func closeListener(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
