package flow_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/money"
	"github.com/taproom-shop/taproom/services/payment/internal/consumer"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/flow"
	"github.com/taproom-shop/taproom/services/payment/internal/intents"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/provider/simulated"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
	"github.com/taproom-shop/taproom/services/payment/internal/webhook"
)

var secret = []byte("a secret that is long enough for tests")

// T is what both kinds of tests can do.
type T interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// world is the service without its API: real consumers, intents, webhook and provider, driven step by step.
type world struct {
	db     *database.DB
	store  *store.Store
	cards  *simulated.Provider
	runner *intents.Runner
	orders *messaging.Processor
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	migrations := []database.Migrations{journal.Migrations, store.Migrations, simulated.Migrations}
	databasetest.Each(t, migrations, func(t *testing.T, db *database.DB) { test(t, newWorld(t, db)) })
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	orders, err := messaging.NewProcessor(consumer.Orders(), db)
	require.NoError(t, err)
	cards := simulated.New(simulated.Options{
		DB: db, Log: log, Secret: secret, WebhookURL: "http://payment/webhooks/card-provider",
		Client: handlerClient{&webhook.Handler{DB: db, Secret: secret, Log: log}},
	})
	kept := store.New(db)
	return &world{
		db: db, store: kept, cards: cards, orders: orders,
		runner: &intents.Runner{DB: db, Store: kept, Provider: cards, Log: log, Retry: time.Millisecond},
	}
}

// handlerClient lets a client call a handler.
type handlerClient struct{ handler http.Handler }

func (c handlerClient) Do(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

// order is one order and the events about it.
type order struct {
	id, user string
	total    int64
	pay      *eventv1.PaymentInstruction
}

func newOrder(user string, total int64, pay *eventv1.PaymentInstruction) order {
	return order{id: newID(), user: user, total: total, pay: pay}
}

func byWallet() *eventv1.PaymentInstruction {
	return &eventv1.PaymentInstruction{Method: &eventv1.PaymentInstruction_Wallet{Wallet: true}}
}

func byCard(id string) *eventv1.PaymentInstruction {
	return &eventv1.PaymentInstruction{Method: &eventv1.PaymentInstruction_CardId{CardId: id}}
}

func (o order) placed() messaging.Message {
	return message(&eventv1.OrderPlaced{OrderId: o.id, UserId: o.user, Total: money.New(o.total, domain.Currency).Proto(), Payment: o.pay})
}

func (o order) confirmed() messaging.Message {
	return message(&eventv1.OrderConfirmed{OrderId: o.id, UserId: o.user, Total: money.New(o.total, domain.Currency).Proto()})
}

func (o order) cancelled() messaging.Message {
	return message(&eventv1.OrderCancelled{OrderId: o.id, UserId: o.user, Reason: "TIMEOUT"})
}

// message is the first delivery of an event; calling it again makes another event of the same content.
func message(msg proto.Message) messaging.Message {
	subject, err := event.Subject(msg)
	if err != nil {
		panic(err)
	}
	data, err := proto.Marshal(msg)
	if err != nil {
		panic(err)
	}
	return messaging.Message{
		Subject: subject, Data: data, Stream: messaging.StreamOrders, Time: time.Now(), Deliveries: 1,
		Header: nats.Header{messaging.HeaderID: []string{newID()}, messaging.HeaderType: []string{event.Type(msg)}},
	}
}

// handle processes messages and requires each to be acked.
func (w *world) handle(t T, msgs ...messaging.Message) {
	t.Helper()
	for _, outcome := range w.orders.Process(t.Context(), msgs) {
		require.NoError(t, outcome.Err)
		require.Equal(t, messaging.Ack, outcome.Action)
	}
}

// deposit fills a wallet as a top-up does.
func (w *world) deposit(t T, user string, amount int64) {
	t.Helper()
	top := domain.RequestedTopUp{
		ID: newID(), UserID: user, RequestID: newID(), CardID: "c", CardToken: "t", Amount: amount,
		State: domain.TopUpPending, CreatedAt: w.db.Now(), UpdatedAt: w.db.Now(),
	}
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := store.LockWallet(ctx, tx, user, tx.Now()); err != nil {
			return err
		}
		if _, err := store.Expect(ctx, tx, user, amount, 1<<40, tx.Now()); err != nil {
			return err
		}
		if _, err := store.InsertTopUp(ctx, tx, top); err != nil {
			return err
		}
		return flow.Answered(ctx, tx, provider.Answer{Key: store.Key(top.ID, domain.Charge), Status: provider.Succeeded})
	}))
}

// card saves a test card for the user and returns its id.
func (w *world) card(t T, user, number string) string {
	t.Helper()
	token, err := w.cards.Tokenize(t.Context(), provider.Card{Number: number, ExpMonth: 12, ExpYear: 2099, CVC: "123"})
	require.NoError(t, err)
	id := newID()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := store.InsertCard(ctx, tx, store.Card{
			ID: id, UserID: user, Token: token.Value, Brand: token.Brand, Last4: token.Last4,
			ExpMonth: 12, ExpYear: 2099, CreatedAt: tx.Now(),
		}, 1<<20)
		return err
	}))
	return id
}

// work lets intents and webhooks run once.
func (w *world) work(t T) {
	t.Helper()
	_, err := w.runner.Work(t.Context())
	require.NoError(t, err)
	_, err = w.cards.Deliver(t.Context())
	require.NoError(t, err)
}

// settle lets intents and webhooks run until nothing waits any more.
func (w *world) settle(t T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		w.work(t)
		var open int
		require.NoError(t, w.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM intents WHERE open").Scan(&open))
		if open == 0 {
			return
		}
		require.True(t, time.Now().Before(deadline), "%d intents are still open", open)
	}
}

func (w *world) payment(t T, o order) domain.Payment {
	t.Helper()
	var p domain.Payment
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		p, _, err = store.PaymentOfOrder(ctx, tx, o.id)
		return err
	}))
	return p
}

func (w *world) wallet(t T, user string) domain.Wallet {
	t.Helper()
	wallet, err := w.store.Wallet(t.Context(), user)
	require.NoError(t, err)
	return wallet
}

// balanced requires every invariant to hold.
func (w *world) balanced(t T) {
	t.Helper()
	findings, err := w.store.CheckInvariants(t.Context())
	require.NoError(t, err)
	require.Len(t, findings, 8)
	for _, f := range findings {
		require.False(t, f.Broken, "%s: %v", f.Rule, f.Findings)
		require.False(t, f.Pending, "%s: %v", f.Rule, f.Findings)
	}
}

// events returns the types of the events about an aggregate, oldest first.
func (w *world) events(t T, aggregate string) []string {
	t.Helper()
	rows, err := w.db.Query(t.Context(), "SELECT type FROM outbox WHERE aggregate = ? ORDER BY seq", aggregate)
	require.NoError(t, err)
	defer rows.Close()
	var types []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		types = append(types, name[len("taproom.event.v1."):])
	}
	require.NoError(t, rows.Err())
	return types
}

// transact runs one transaction.
func (w *world) transact(t T, fn func(ctx context.Context, tx *database.Tx) error) error {
	return w.db.Tx(t.Context(), fn)
}

// post sends a body to a webhook handler and returns the status.
func post(handler http.Handler, body io.Reader, signature string) int {
	req := httptest.NewRequest(http.MethodPost, "/webhooks/card-provider", body)
	req.Header.Set(provider.SignatureHeader, signature)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, req)
	return recorder.Code
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
