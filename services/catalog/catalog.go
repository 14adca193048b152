// Package catalog is the service of beers, breweries, styles, prices and pictures.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/services/catalog/internal/service"
	"github.com/taproom-shop/taproom/services/catalog/internal/store"
	"github.com/taproom-shop/taproom/services/internal/cache"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/optional"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Name is the service's name.
const Name = "catalog"

const (
	// changes are the subjects of all catalogue events.
	changes = "taproom.catalog.>"
	// maxAdminRequest has room for a picture of 200,000 bytes as JSON and for an import of 200 beers.
	maxAdminRequest = 2 << 20
)

// Config is what can be set.
type Config struct {
	CacheBytes  int64         `help:"Memory for answers kept in this process, in bytes." default:"67108864" env:"TAPROOM_CATALOG_CACHE_BYTES"`
	CacheTTL    time.Duration `help:"How long Redis keeps an answer." default:"5m" env:"TAPROOM_CATALOG_CACHE_TTL"`
	CacheMaxAge time.Duration `help:"How long answers are believed when no change is heard of." default:"2s" env:"TAPROOM_CATALOG_CACHE_MAX_AGE"`
}

// Validate says which setting is wrong and how to mend it.
func (c Config) Validate() error {
	var problems []error
	if c.CacheBytes < 0 {
		problems = append(problems, fmt.Errorf("cache bytes are %d: use 0 for no cache in this process, or more", c.CacheBytes))
	}
	if c.CacheTTL < time.Second {
		problems = append(problems, fmt.Errorf("cache TTL is %s: use a second or more", c.CacheTTL))
	}
	if c.CacheMaxAge <= 0 {
		problems = append(problems, fmt.Errorf("cache max age is %s: use more than 0", c.CacheMaxAge))
	}
	return errors.Join(problems...)
}

// Migrations bring the service's database to the schema that this version knows.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations}
}

// New returns the service.
func New(cfg Config, deps module.Kit) (*module.Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	beers := store.New(deps.DB)
	answers := cache.New(cache.Config{
		Name:     Name,
		Bytes:    cfg.CacheBytes,
		Redis:    optional.New(deps.Redis, optional.Patience, deps.Log),
		TTL:      cfg.CacheTTL,
		Revision: beers.Revision,
		MaxAge:   cfg.CacheMaxAge,
	})
	options := deps.HandlerOptions
	adminOptions := append(slices.Clone(options), rpc.WithMaxRequestBytes(maxAdminRequest))
	return &module.Module{
		Name: Name,
		Handlers: []module.Handler{
			module.Serve(catalogv1connect.NewCatalogServiceHandler(service.NewCatalog(beers, answers), options...)),
			module.Serve(catalogv1connect.NewCatalogPriceServiceHandler(service.NewPrices(beers), options...)),
			module.Serve(catalogv1connect.NewCatalogAdminServiceHandler(service.NewAdmin(beers, answers), adminOptions...)),
			{Pattern: service.PicturePattern, Handler: service.Pictures(beers, deps.Log)},
		},
		Loops: []module.Loop{{Name: "catalogue-changes", Run: func(ctx context.Context) error {
			return listen(ctx, deps.NATS, answers)
		}}},
		Sources: []telemetry.Source{answers.Source()},
		Rebuild: func(ctx context.Context) (int, error) { // there is nothing but caches, which believe no older revision
			return 0, beers.Write(ctx, func(context.Context, *store.Tx) error { return nil })
		},
		DB:         deps.DB,
		Migrations: Migrations(),
	}, nil
}

// listen tells the cache of changes that any replica made. Each replica hears them itself, and those that it misses it
// notices by the cache's maximal age.
func listen(ctx context.Context, conn *nats.Conn, answers *cache.Cache) error {
	subscription, err := conn.Subscribe(changes, func(*nats.Msg) { answers.Invalidate() })
	if err != nil {
		return fmt.Errorf("listening to catalogue events: %w", err)
	}
	<-ctx.Done()
	return subscription.Unsubscribe()
}
