package shop

import (
	"context"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/server"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// observe reads what the service measures of itself, until ctx ends, if anybody collects metrics.
func (f foundation) observe(ctx context.Context, group *errgroup.Group, m *module.Module) {
	if !f.telemetry.Metrics() {
		return
	}
	sources := slices.Concat(m.Sources, messaging.Sources(f.js, m.Consumers, m.Workers))
	if m.DB != nil {
		sources = append(sources, m.DB.Source(), journal.Source(m.DB))
	}
	group.Go(func() error { return telemetry.Watch(ctx, f.log, f.telemetry, m.Name, sources...) })
}

// LogNames are the services of the shop, as logs name them; `taproom` is what belongs to none.
func LogNames() []string {
	names := []string{"taproom", "edge"}
	for _, s := range services() {
		names = append(names, s.name)
	}
	return names
}

// Internal serves what the shop tells those who run it, metrics included unless they are nil.
func (s *Shop) Internal(metrics http.Handler) http.Handler {
	return server.Internal(metrics, s.checks(), nil)
}
