package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1/inventoryv1connect"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/inventory"
)

// shop is the inventory service behind the real interceptors, beside an order service that a test controls. Events reach
// it through its real consumers, in whatever order a test likes.
type shop struct {
	*rpctest.Shop
	t      *testing.T
	db     *database.DB
	now    time.Time
	module *module.Module
	orders *orders
	stock  inventoryv1connect.InventoryServiceClient
}

func each(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Helper()
	databasetest.Each(t, inventory.Migrations(), func(t *testing.T, db *database.DB) { test(t, newShop(t, db)) })
}

func newShop(t *testing.T, db *database.DB) *shop {
	t.Helper()
	s := &shop{
		Shop: rpctest.New(t, "inventory", "order"), t: t, db: db,
		now: time.Now().UTC(), orders: &orders{states: map[string]orderv1.OrderState{}},
	}
	var err error
	s.module, err = inventory.New(inventory.Config{}, module.Kit{
		Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return s.now }, DB: db, Peers: s.Peers("inventory"), HandlerOptions: s.Options("inventory"),
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	module.Mount(mux, s.module)
	s.Resolver.Register("inventory", mux)
	s.Serve("order")(orderv1connect.NewOrderStateServiceHandler(s.orders, s.Options("order")...))
	client, url := s.Client("inventory")
	s.stock = inventoryv1connect.NewInventoryServiceClient(client, url)
	return s
}

func (s *shop) staff() inventoryv1connect.InventoryAdminServiceClient {
	s.t.Helper()
	client, url := s.Client("inventory")
	return inventoryv1connect.NewInventoryAdminServiceClient(client, url, s.As(identity.RoleStaff, newID()))
}

// receive puts beers on the shelves.
func (s *shop) receive(quantity int32, beerIDs ...string) {
	s.t.Helper()
	_, err := s.staff().AdjustStock(s.t.Context(), adjustment(received, quantity, beerIDs...))
	require.NoError(s.t, err)
}

const (
	received = inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED
	adjusted = inventoryv1.MovementKind_MOVEMENT_KIND_ADJUSTED
)

func adjustment(kind inventoryv1.MovementKind, delta int32, beerIDs ...string) *inventoryv1.AdjustStockRequest {
	req := &inventoryv1.AdjustStockRequest{RequestId: newID(), Kind: kind, Note: "count", Lot: "lot 1"}
	for _, id := range beerIDs {
		req.Adjustments = append(req.Adjustments, &inventoryv1.StockAdjustment{BeerId: id, Delta: delta})
	}
	return req
}

func (s *shop) available(beerID string) int {
	s.t.Helper()
	res, err := s.stock.GetStock(s.t.Context(), &inventoryv1.GetStockRequest{BeerId: beerID})
	require.NoError(s.t, err)
	return int(res.GetStock().GetAvailable())
}

// balanced requires that every invariant holds.
func (s *shop) balanced() {
	s.t.Helper()
	res, err := s.staff().CheckInvariants(s.t.Context(), &inventoryv1.CheckInvariantsRequest{})
	require.NoError(s.t, err)
	require.Len(s.t, res.GetInvariants(), 4)
	for _, i := range res.GetInvariants() {
		if i.GetName() != "inventory.outbox_age" { // no relay runs here
			require.Equal(s.t, typev1.InvariantStatus_INVARIANT_STATUS_OK, i.GetStatus(), "%s: %v", i.GetName(), i.GetFindings())
		}
	}
}

// deliver puts events through the real consumers in batches, in the order given, and requires that each is settled.
func (s *shop) deliver(events ...*delivery) {
	s.t.Helper()
	again, err := s.hand(100, events)
	require.NoError(s.t, err)
	require.Empty(s.t, again)
}

// hand puts events through the real consumers in batches and answers those that the consumer wants to have again.
func (s *shop) hand(batch int, events []*delivery) (again []*delivery, err error) {
	for len(events) > 0 {
		part := events[:min(batch, len(events))]
		events = events[len(part):]
		byConsumer := make(map[string][]*delivery)
		for _, d := range part {
			byConsumer[d.consumer] = append(byConsumer[d.consumer], d)
		}
		for _, c := range s.module.Consumers {
			p, err := messaging.NewProcessor(c, s.db)
			if err != nil {
				return nil, err
			}
			messages := make([]messaging.Message, len(byConsumer[c.Name]))
			for i, d := range byConsumer[c.Name] {
				messages[i] = d.Message
			}
			for i, outcome := range p.Process(s.t.Context(), messages) {
				switch outcome.Action {
				case messaging.Ack:
				case messaging.Nak:
					again = append(again, byConsumer[c.Name][i])
				case messaging.Requeue, messaging.SetAside:
					return nil, fmt.Errorf("given up: %w", outcome.Err)
				}
			}
		}
	}
	return again, nil
}

// delivery is an event on its way to a consumer.
type delivery struct {
	messaging.Message
	consumer string
}

func eventOf(t testing.TB, msg proto.Message) *delivery {
	t.Helper()
	subject, err := event.Subject(msg)
	require.NoError(t, err)
	stream, err := event.Stream(msg)
	require.NoError(t, err)
	data, err := proto.Marshal(msg)
	require.NoError(t, err)
	consumer := map[string]string{messaging.StreamOrders: "inventory-orders", messaging.StreamShipments: "inventory-shipments"}[stream]
	return &delivery{consumer: consumer, Message: messaging.Message{
		Subject: subject, Data: data, Stream: stream, Time: time.Now(), Deliveries: 1,
		Header: map[string][]string{messaging.HeaderID: {newID()}, messaging.HeaderType: {event.Type(msg)}},
	}}
}

// told counts the events in the outbox by type, and answers the newest version of each beer's stock that was told.
func (s *shop) told() (counts map[string]int, stock map[string]*eventv1.StockChanged) {
	s.t.Helper()
	counts, stock = make(map[string]int), make(map[string]*eventv1.StockChanged)
	events, err := journal.Pending(s.t.Context(), s.db, 100_000)
	require.NoError(s.t, err)
	for _, e := range events {
		counts[e.Type]++
		var changed eventv1.StockChanged
		if e.Type != event.Type(&changed) {
			continue
		}
		require.NoError(s.t, proto.Unmarshal(e.Payload, &changed))
		require.NotEqual(s.t, changed.GetVersion(), stock[changed.GetBeerId()].GetVersion(), "told twice")
		if changed.GetVersion() > stock[changed.GetBeerId()].GetVersion() {
			stock[changed.GetBeerId()] = &changed
		}
	}
	return counts, stock
}

func (s *shop) forgetInbox() {
	s.t.Helper()
	require.NoError(s.t, s.db.Tx(s.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM inbox")
		return err
	}))
}

// askOrders takes one step of the loop that asks after old reservations.
func (s *shop) askOrders() error {
	_, err := s.module.Loops[0].Step(s.t.Context())
	return err
}

func shuffled[T any](values []T) []T {
	out := append([]T(nil), values...)
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func requireFault(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)), "%v", err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// orders is an order service that knows the states it was told, and at most a hundred at a time.
type orders struct {
	orderv1connect.UnimplementedOrderStateServiceHandler
	mu     sync.Mutex
	states map[string]orderv1.OrderState
	asked  map[string]int
	down   bool
}

func (o *orders) BatchGetOrderStates(_ context.Context, req *orderv1.BatchGetOrderStatesRequest) (*orderv1.BatchGetOrderStatesResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return nil, fault.Unavailable("DOWN", "down")
	}
	res := &orderv1.BatchGetOrderStatesResponse{}
	if o.asked == nil {
		o.asked = make(map[string]int)
	}
	for _, id := range req.GetIds() {
		o.asked[id]++
		if state, ok := o.states[id]; ok {
			res.States = append(res.States, &orderv1.OrderStateEntry{Id: id, State: state})
		}
	}
	return res, nil
}

func (o *orders) set(id string, state orderv1.OrderState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.states[id] = state
}

func (o *orders) askedFor() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.asked)
}
