package catalog_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

// unknownID is no beer's id.
const unknownID = "0193a7b2-7c1e-7d50-8f3a-2b1c0d9e8f7a"

// service is one replica of the catalogue with clients that call it through its real handlers.
type service struct {
	shop   *rpctest.Shop
	db     *database.DB
	module *module.Module
	anyone catalogv1connect.CatalogServiceClient
	staff  catalogv1connect.CatalogAdminServiceClient
	prices catalogv1connect.CatalogPriceServiceClient
	http   *http.Client
	url    string
}

// parts are what a replica shares with others; all may be nil.
type parts struct {
	nats  *nats.Conn
	redis redis.UniversalClient
}

// start returns a replica on db that has the demo beers. Changes that it did not make itself it hears of through NATS only.
func start(t *testing.T, db *database.DB, shared parts) *service {
	t.Helper()
	_, err := catalog.Seed(t.Context(), db)
	require.NoError(t, err)

	shop := rpctest.New(t, catalog.Name, "order")
	m, err := catalog.New(catalog.Config{CacheBytes: 8 << 20, CacheTTL: time.Minute, CacheMaxAge: time.Hour}, module.Kit{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, DB: db, NATS: shared.nats, Redis: shared.redis,
		HandlerOptions: shop.Options(catalog.Name),
	})
	require.NoError(t, err)
	serve := shop.Serve(catalog.Name)
	for _, handler := range m.Handlers {
		serve(handler.Pattern, handler.Handler)
	}
	client, url := shop.Client(catalog.Name)
	peers := shop.Peers("order")
	return &service{
		shop:   shop,
		db:     db,
		module: m,
		anyone: catalogv1connect.NewCatalogServiceClient(client, url),
		staff:  catalogv1connect.NewCatalogAdminServiceClient(client, url, shop.As(identity.RoleStaff, "keeper")),
		prices: catalogv1connect.NewCatalogPriceServiceClient(peers.Client(catalog.Name), peers.URL(catalog.Name), peers.Options()...),
		http:   client.(*http.Client),
		url:    url,
	}
}

// onSQLite returns a replica alone on a database of its own.
func onSQLite(t *testing.T) *service {
	t.Helper()
	return start(t, sqlite(t), parts{})
}

// sqlite returns a database that has the demo beers: a copy, since to seed it takes a second.
func sqlite(t *testing.T) *database.DB {
	t.Helper()
	file, err := seeded()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "catalog.db")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	db, err := database.Open(t.Context(), database.Config{URL: "sqlite://" + path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

var seeded = sync.OnceValues(func() (file []byte, err error) {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "taproom-catalog-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "catalog.db")
	db, err := database.Open(ctx, database.Config{URL: "sqlite://" + path})
	if err != nil {
		return nil, err
	}
	if err := database.Migrate(ctx, db, catalog.Migrations()...); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if _, err := catalog.Seed(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// beer returns the beer of that slug as everybody sees it.
func (s *service) beer(t *testing.T, slug string) *catalogv1.Beer {
	t.Helper()
	answer, err := s.anyone.GetBeer(t.Context(), &catalogv1.GetBeerRequest{Key: &catalogv1.GetBeerRequest_Slug{Slug: slug}})
	require.NoError(t, err)
	return answer.GetBeer()
}

func (s *service) list(t *testing.T, req *catalogv1.ListBeersRequest) *catalogv1.ListBeersResponse {
	t.Helper()
	answer, err := s.anyone.ListBeers(t.Context(), req)
	require.NoError(t, err)
	return answer
}

// events returns what the outbox holds from the given one on.
func (s *service) events(t *testing.T, from int) []proto.Message {
	t.Helper()
	rows, err := s.db.Query(t.Context(), "SELECT type, payload FROM outbox ORDER BY seq")
	require.NoError(t, err)
	defer rows.Close()
	var events []proto.Message
	for rows.Next() {
		var name string
		var payload []byte
		require.NoError(t, rows.Scan(&name, &payload))
		kind, err := protoregistry.GlobalTypes.FindMessageByURL(name)
		require.NoError(t, err)
		event := kind.New().Interface()
		require.NoError(t, proto.Unmarshal(payload, event))
		events = append(events, event)
	}
	require.NoError(t, rows.Err())
	return events[from:]
}

// run runs the replica's loops until the test ends.
func (s *service) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, len(s.module.Loops))
	for _, loop := range s.module.Loops {
		go func() { ended <- loop.Run(ctx) }()
	}
	t.Cleanup(func() {
		stop()
		for range s.module.Loops {
			require.NoError(t, <-ended)
		}
	})
}

func refused(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)))
}
