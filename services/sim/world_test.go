package sim_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/cart"
	"github.com/taproom-shop/taproom/services/courier"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/inventory"
	"github.com/taproom-shop/taproom/services/notification"
	"github.com/taproom-shop/taproom/services/order"
	"github.com/taproom-shop/taproom/services/payment"
	"github.com/taproom-shop/taproom/services/shipping"
)

// began is when the simulated time begins.
var began = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// world is a whole shop whose broker, time and misfortunes are simulated.
type world struct {
	t         *testing.T
	rng       *rand.Rand
	fuse      *fuse
	clock     *clock
	shop      *rpctest.Shop
	stream    *stream
	services  []*service
	subs      []*subscription
	read      map[string]uint64 // last message read of each real stream
	secrets   string
	front     frontOffice
	names     map[string]string // of ids, for the trace
	trace     []string
	sabotage  sabotage
	broken    []string               // what was found wrong on the way
	orders    []*eventv1.OrderPlaced // that became known
	depth     int                    // of steps within steps
	meanwhile func(parcel *delivery) // what happens while a courier drives
}

// sabotage is how a shop is broken on purpose, to see whether that is found.
type sabotage struct {
	ackBeforeCommit   bool
	markBeforePublish bool
	consumers         func(service string, consumers []messaging.Consumer) []messaging.Consumer
}

// service is one service, through all its restarts.
type service struct {
	name       string
	build      func(kit module.Kit) (*module.Module, error)
	url        string       // of its database; empty without one
	db         *database.DB // nil without one
	module     *module.Module
	processors map[string]*messaging.Processor
}

// newWorld opens a shop on databases of the given dialect.
func newWorld(t *testing.T, seed uint64, kind string, s sabotage) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 0x7a9)), fuse: newFuse(), names: make(map[string]string), read: make(map[string]uint64),
		secrets: t.TempDir(), sabotage: s,
	}
	w.clock = &clock{now: began, fuse: w.fuse}
	w.stream = &stream{JetStream: broker(t), fuse: w.fuse}
	w.shop = rpctest.New(t, "cart", "catalog", "courier", "inventory", "notification", "order", "payment", "shipping", "user")
	if *logs {
		w.shop.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	w.openFront()
	for _, entry := range []struct {
		name       string
		migrations []database.Migrations
		build      func(kit module.Kit) (*module.Module, error)
	}{
		{"order", order.Migrations(), func(kit module.Kit) (*module.Module, error) {
			return order.New(order.Config{PendingTimeout: 15 * time.Minute}, kit)
		}},
		{"inventory", inventory.Migrations(), func(kit module.Kit) (*module.Module, error) { return inventory.New(inventory.Config{}, kit) }},
		{"payment", payment.Migrations(), func(kit module.Kit) (*module.Module, error) {
			return payment.New(payment.DefaultConfig(), payment.Deps{Kit: kit, Secrets: w.secrets})
		}},
		{"shipping", shipping.Migrations(), func(kit module.Kit) (*module.Module, error) { return shipping.New(shipping.Config{}, kit) }},
		{"courier", nil, func(kit module.Kit) (*module.Module, error) { return courier.New(courier.Config{Concurrency: 1}, kit) }},
		{"cart", cart.Migrations(), func(kit module.Kit) (*module.Module, error) { return cart.New(cart.Config{}, kit) }},
		{"notification", notification.Migrations(), func(kit module.Kit) (*module.Module, error) {
			return notification.New(notification.Config{}, kit)
		}},
	} {
		svc := &service{name: entry.name, build: entry.build}
		if entry.migrations != nil {
			svc.url = newDatabase(t, kind, entry.migrations)
			t.Cleanup(func() { _ = svc.db.Close() })
		}
		w.services = append(w.services, svc)
		w.start(svc)
		for _, c := range svc.module.Consumers {
			w.subs = append(w.subs, &subscription{service: svc, name: c.Name})
		}
		for _, c := range svc.module.Workers {
			w.subs = append(w.subs, &subscription{service: svc, name: c.Name, worker: true})
		}
	}
	for _, name := range realStreams {
		w.read[name] = w.lastOf(name)
	}
	return w
}

// newDatabase makes an empty, migrated database and answers its URL.
func newDatabase(t *testing.T, kind string, migrations []database.Migrations) string {
	if kind == dialect.SQLite {
		db := databasetest.SQLite(t, migrations...)
		var path string
		require.NoError(t, db.QueryRow(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path))
		require.NoError(t, db.Close())
		return "sqlite://" + path
	}
	db := databasetest.Postgres(t, migrations...)
	var name, folder string
	require.NoError(t, db.QueryRow(t.Context(), "SELECT current_database(), current_setting('unix_socket_directories')").Scan(&name, &folder))
	location := &url.URL{Scheme: "postgres", User: url.User("postgres"), RawQuery: url.Values{"host": {folder}}.Encode()}
	if given := os.Getenv(databasetest.TestPostgres); given != "" { //nolint:forbidigo // no command reads it for tests
		var err error
		location, err = url.Parse(given)
		require.NoError(t, err)
	}
	location.Path = "/" + name
	return location.String()
}

// start makes the service anew: whatever it knew in memory is gone.
func (w *world) start(svc *service) {
	if svc.db == nil && svc.url != "" {
		var err error
		svc.db, err = database.Open(context.Background(), database.Config{URL: svc.url, Clock: w.clock.Now, MaxConns: 4})
		require.NoError(w.t, err)
	}
	m, err := svc.build(module.Kit{
		Log: w.shop.Log, Clock: w.clock.Now, DB: svc.db, NATS: w.stream.Conn(), JetStream: w.stream, Peers: w.shop.Peers(svc.name),
		HandlerOptions: w.shop.Options(svc.name), Verifier: w.shop.Verifier, Revocations: w.shop.Revocations, Demo: true,
	})
	require.NoError(w.t, err)
	if w.sabotage.consumers != nil {
		m.Consumers = w.sabotage.consumers(svc.name, m.Consumers)
	}
	svc.module, svc.processors = m, make(map[string]*messaging.Processor)
	for _, c := range m.Consumers {
		svc.processors[c.Name], err = messaging.NewProcessor(c, svc.db)
		require.NoError(w.t, err)
	}
	mux := http.NewServeMux()
	module.Mount(mux, m)
	w.shop.Resolver.Register(svc.name, w.fuse.watch(mux))
}

// restart ends a service and starts it again on what it had committed.
func (w *world) restart(svc *service) {
	w.note("restart %s", svc.name)
	if svc.db != nil {
		require.NoError(w.t, svc.db.Close())
		svc.db = nil
	}
	w.start(svc)
}

// openFront puts stand-ins in place of what the order flow only reads, and one address in front of all services.
func (w *world) openFront() {
	w.front.prices, w.front.addresses = make(map[string]int64), make(map[string]string)
	w.shop.Serve("catalog")(catalogv1connect.NewCatalogPriceServiceHandler(&w.front, w.shop.Options("catalog")...))
	w.shop.Serve("user")(userv1connect.NewUserServiceHandler(&w.front, w.shop.Options("user")...))
	w.shop.Resolver.Register("edge", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/taproom."), ".")
		w.shop.Resolver.Handler(name).ServeHTTP(rw, r)
	}))
}

// note writes to the trace what happens.
func (w *world) note(format string, args ...any) {
	at := w.clock.read().Sub(began).Truncate(time.Millisecond)
	w.trace = append(w.trace, fmt.Sprintf("%9s %s%s", at, strings.Repeat("  ", w.depth), fmt.Sprintf(format, args...)))
}

// wrong notes that something happened which must not.
func (w *world) wrong(format string, args ...any) {
	w.note("WRONG: "+format, args...)
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// called gives an id a name that is the same in each run.
func (w *world) called(id, kind string) string {
	name, ok := w.names[id]
	if !ok {
		n := 1
		for _, other := range w.names {
			if strings.HasPrefix(other, kind+"-") {
				n++
			}
		}
		name = fmt.Sprintf("%s-%d", kind, n)
		w.names[id] = name
	}
	return name
}

// chance is true so often.
func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// between is a time from low to high.
func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int64N(int64(high-low)+1))
}

// JetStream's streams that hold what services publish without an outbox.
var realStreams = []string{messaging.StreamCarts, messaging.StreamCourier}

func (w *world) lastOf(name string) uint64 {
	info := w.info(name)
	return info.State.LastSeq
}

func (w *world) info(name string) *jetstream.StreamInfo {
	s, err := w.stream.Stream(context.Background(), name)
	require.NoError(w.t, err)
	return s.CachedInfo()
}
