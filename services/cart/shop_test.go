package cart_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/cart"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

const patience, tick = 20 * time.Second, 5 * time.Millisecond

// shop is a broker and a database with any number of replicas of the cart service, between a catalogue and an order
// service that a test controls.
type shop struct {
	*rpctest.Shop
	t      *testing.T
	db     *database.DB
	broker *server.Server
	js     jetstream.JetStream
	now    atomic.Pointer[time.Time] // nil: the real time
	beers  *beers
	orders *orders
}

func newShop(t *testing.T, db *database.DB) *shop {
	t.Helper()
	s := &shop{Shop: rpctest.New(t, "cart", "cart-2", "catalog", "order"), t: t, db: db, beers: &beers{}, orders: &orders{}}
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(broker, conn) })
	s.broker = broker
	s.js, err = jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), s.js, 1))
	s.Serve("catalog")(catalogv1connect.NewCatalogPriceServiceHandler(s.beers, s.Options("catalog")...))
	s.Serve("order")(orderv1connect.NewOrderStateServiceHandler(s.orders, s.Options("order")...))
	return s
}

func sqliteShop(t *testing.T) *shop {
	t.Helper()
	return newShop(t, databasetest.SQLite(t, cart.Migrations()...))
}

func (s *shop) clock() time.Time {
	if now := s.now.Load(); now != nil {
		return *now
	}
	return time.Now().UTC()
}

// replica is one process of the cart service; its calls are answered under its name.
type replica struct {
	*shop
	name   string
	module *module.Module
}

// start makes a replica that answers calls. What it does in the background is for the test to run.
func (s *shop) start(name string) *replica {
	s.t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(s.broker))
	require.NoError(s.t, err)
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(s.t, err)
	m, err := cart.New(cart.Config{}, module.Kit{
		Log: s.Log, Clock: s.clock, DB: s.db, NATS: conn, JetStream: js, Peers: s.Peers("cart"), HandlerOptions: s.Options("cart"),
		Verifier: s.Verifier, Revocations: s.Revocations,
	})
	require.NoError(s.t, err)
	mux := http.NewServeMux()
	module.Mount(mux, m)
	s.Resolver.Register(name, mux)
	return &replica{s, name, m}
}

// run starts a replica with everything that it does in the background.
func (s *shop) run(name string) *replica {
	s.t.Helper()
	r := s.start(name)
	r.project()
	for _, w := range r.module.Workers {
		s.background(func(ctx context.Context) error { return messaging.Runner{JetStream: s.js, Log: s.Log}.Work(ctx, w) })
	}
	r.listen()
	return r
}

// project lets the replica make the projection.
func (r *replica) project() {
	for _, c := range r.module.Consumers {
		r.background(func(ctx context.Context) error {
			return messaging.Runner{JetStream: r.js, DB: r.db, Log: r.Log}.Consume(ctx, c)
		})
	}
}

// listen lets the replica hear of changes, but do nothing else.
func (r *replica) listen() {
	for _, loop := range r.module.Loops {
		if loop.Step == nil {
			r.background(loop.Run)
		}
	}
}

// step takes one step of the replica's loop of that name.
func (r *replica) step(name string) {
	r.t.Helper()
	i := slices.IndexFunc(r.module.Loops, func(l module.Loop) bool { return l.Name == name })
	require.GreaterOrEqual(r.t, i, 0, name)
	_, err := r.module.Loops[i].Step(r.t.Context())
	require.NoError(r.t, err)
}

func (s *shop) background(run func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}

// person is somebody with a cart.
type person struct {
	id       string
	token    string
	commands cartv1connect.CartCommandServiceClient
	queries  cartv1connect.CartQueryServiceClient
}

func (r *replica) as(role identity.Role, id string) person {
	r.t.Helper()
	client, url := r.Client(r.name)
	token := r.Token(role, id)
	return person{
		id: id, token: token,
		commands: cartv1connect.NewCartCommandServiceClient(client, url, rpctest.Bearer(token)),
		queries:  cartv1connect.NewCartQueryServiceClient(client, url, rpctest.Bearer(token)),
	}
}

func (r *replica) customer() person { r.t.Helper(); return r.as(identity.RoleCustomer, newID()) }
func (r *replica) guest() person    { r.t.Helper(); return r.as(identity.RoleGuest, newID()) }

func (p person) add(t *testing.T, beerID string, quantity int32) *cartv1.Cart {
	t.Helper()
	res, err := p.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: newID(), BeerId: beerID, Quantity: quantity})
	require.NoError(t, err)
	return res.GetCart()
}

// get answers the cart once it has the version.
func (p person) get(t *testing.T, version int64) *cartv1.Cart {
	t.Helper()
	res, err := p.queries.GetCart(t.Context(), &cartv1.GetCartRequest{MinVersion: version})
	require.NoError(t, err)
	return res.GetCart()
}

func (p person) merge(t *testing.T, guestToken string) (*cartv1.Cart, error) {
	res, err := p.commands.MergeCart(t.Context(), &cartv1.MergeCartRequest{GuestToken: guestToken})
	return res.GetCart(), err
}

// requireItems checks what is in a cart: beer ids and their units, in turn.
func requireItems(t *testing.T, c *cartv1.Cart, want ...any) {
	t.Helper()
	got := []any{}
	for _, item := range c.GetItems() {
		got = append(got, item.GetBeerId(), int(item.GetQuantity()))
	}
	require.Equal(t, append([]any{}, want...), got)
}

// publish stores an event under an id of its own, as if the relay had sent it again much later.
func (s *shop) publish(msg proto.Message) {
	s.t.Helper()
	require.NoError(s.t, messaging.Publish(s.t.Context(), s.js, "test", newID(), msg))
}

// settled waits until a consumer or worker has answered for all of its stream.
func (s *shop) settled(stream, name string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		c, err := s.js.Consumer(s.t.Context(), stream, name)
		if err != nil {
			return false
		}
		// What was published just now may not be counted as pending yet: the last acknowledgement tells.
		info := c.CachedInfo()
		return info.NumPending == 0 && info.NumAckPending == 0 && info.AckFloor.Stream >= s.last(stream, info.Config.FilterSubjects)
	}, patience, tick)
}

// last is the sequence of the stream's last message on any of the subjects.
func (s *shop) last(stream string, subjects []string) (last uint64) {
	st, err := s.js.Stream(s.t.Context(), stream)
	require.NoError(s.t, err)
	for _, subject := range subjects {
		if msg, err := st.GetLastMsgForSubject(s.t.Context(), subject); err == nil {
			last = max(last, msg.Sequence)
		}
	}
	return last
}

func requireFault(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)), "%v", err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// beers is a catalogue that has every beer but some.
type beers struct {
	catalogv1connect.UnimplementedCatalogPriceServiceHandler
	missing, archived sync.Map
}

func (b *beers) BatchGetPrices(_ context.Context, req *catalogv1.BatchGetPricesRequest) (*catalogv1.BatchGetPricesResponse, error) {
	res := &catalogv1.BatchGetPricesResponse{}
	for _, id := range req.GetBeerIds() {
		if _, missing := b.missing.Load(id); missing {
			continue
		}
		_, archived := b.archived.Load(id)
		res.Prices = append(res.Prices, &catalogv1.BeerPrice{BeerId: id, Name: "Pale", Archived: archived})
	}
	return res, nil
}

// orders is an order service that notes which checkouts were closed, and is down when told to.
type orders struct {
	orderv1connect.UnimplementedOrderStateServiceHandler
	down   atomic.Bool
	asked  atomic.Int64
	mu     sync.Mutex
	closed []string
	caller string
}

func (o *orders) CloseCheckouts(ctx context.Context, req *orderv1.CloseCheckoutsRequest) (*orderv1.CloseCheckoutsResponse, error) {
	o.asked.Add(1)
	if o.down.Load() {
		return nil, fault.Unavailable("DOWN", "down")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = append(o.closed, req.GetOrderIds()...)
	o.caller = identity.Must(ctx).ID
	return &orderv1.CloseCheckoutsResponse{}, nil
}

func (o *orders) closedOrders() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.closed)
}
