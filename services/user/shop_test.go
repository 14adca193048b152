package user_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
	"github.com/taproom-shop/taproom/services/user"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

const goodPassword = "tangible-otter-lager"

// shop is a running user service behind the real interceptors, between an order and a payment service that a test controls.
type shop struct {
	*rpctest.Shop
	t       *testing.T
	db      *database.DB
	deps    user.Deps
	module  *module.Module
	orders  *orders
	wallets *wallets
}

// cheap is a configuration in which hashing costs next to nothing.
func cheap() user.Config {
	cfg := user.DefaultConfig()
	cfg.HashMemoryKiB, cfg.HashPasses = 8, 1
	return cfg
}

func newShop(t *testing.T, db *database.DB, cfg user.Config) *shop {
	t.Helper()
	s := &shop{Shop: rpctest.New(t, "user", "order", "payment"), t: t, db: db, orders: &orders{}, wallets: &wallets{}}
	s.wallets.empty.Store(true)
	s.deps = user.Deps{
		Kit: module.Kit{
			Log: slog.New(slog.DiscardHandler), Clock: s.Clock, DB: db,
			Peers: s.Peers("user"), HandlerOptions: s.Options("user"),
		},
		Signer:    identity.NewSigner(s.Keys.People, identity.PeopleIssuer, s.Clock),
		MasterKey: bytes.Repeat([]byte{7}, vault.KeySize),
	}
	var err error
	s.module, err = user.New(cfg, s.deps)
	require.NoError(t, err)
	mux := http.NewServeMux()
	module.Mount(mux, s.module)
	s.Resolver.Register("user", mux)
	s.Serve("order")(orderv1connect.NewOrderStateServiceHandler(s.orders, s.Options("order")...))
	s.Serve("payment")(paymentv1connect.NewPaymentStateServiceHandler(s.wallets, s.Options("payment")...))
	return s
}

// sqliteShop is a shop on SQLite, for what doesn't depend on the database.
func sqliteShop(t *testing.T, cfg user.Config) *shop {
	t.Helper()
	return newShop(t, databasetest.SQLite(t, user.Migrations()...), cfg)
}

// users returns a client that sends the given token, if any.
func (s *shop) users(token string, options ...connect.ClientOption) userv1connect.UserServiceClient {
	if token != "" {
		options = append(options, rpctest.Bearer(token))
	}
	client, url := s.Client("user")
	return userv1connect.NewUserServiceClient(client, url, options...)
}

func (s *shop) admin(token string) userv1connect.UserAdminServiceClient {
	client, url := s.Client("user")
	return userv1connect.NewUserAdminServiceClient(client, url, rpctest.Bearer(token))
}

func (s *shop) register(email string) (*userv1.User, *userv1.Session) {
	s.t.Helper()
	answer, err := s.users("").Register(s.t.Context(), &userv1.RegisterRequest{Email: email, Password: goodPassword, DisplayName: "Ann"})
	require.NoError(s.t, err)
	return answer.GetUser(), answer.GetSession()
}

func (s *shop) login(email, password string) (*userv1.Session, error) {
	answer, err := s.users("").Login(s.t.Context(), &userv1.LoginRequest{Email: email, Password: password})
	return answer.GetSession(), err
}

// staff opens an account of a member of staff and signs in.
func (s *shop) staff(email string) *userv1.Session {
	s.t.Helper()
	created, err := user.EnsureStaff(s.t.Context(), cheap(), s.deps, email, "Sam", goodPassword)
	require.NoError(s.t, err)
	require.True(s.t, created)
	session, err := s.login(email, goodPassword)
	require.NoError(s.t, err)
	return session
}

func (s *shop) refresh(token string) (*userv1.Session, error) {
	answer, err := s.users("").RefreshSession(s.t.Context(), &userv1.RefreshSessionRequest{RefreshToken: token})
	return answer.GetSession(), err
}

func (s *shop) profile(token string) error {
	_, err := s.users(token).GetProfile(s.t.Context(), &userv1.GetProfileRequest{})
	return err
}

// hearRevocations takes to the shop what the service announced about sessions, as the stream would.
func (s *shop) hearRevocations() {
	s.t.Helper()
	rows, err := s.db.Query(s.t.Context(), `SELECT payload FROM outbox WHERE type = ?`, string((&eventv1.UserSessionsRevoked{}).ProtoReflect().Descriptor().FullName()))
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var payload []byte
		require.NoError(s.t, rows.Scan(&payload))
		var event eventv1.UserSessionsRevoked
		require.NoError(s.t, proto.Unmarshal(payload, &event))
		s.Revocations.Revoke(event.GetUserId(), event.GetSessionId(), event.GetRevokedAt().AsTime())
	}
	require.NoError(s.t, rows.Err())
}

// requireFault checks the code and the reason of an answer.
func requireFault(t *testing.T, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, fault.ReasonOf(rpc.Fault(err)), "%v", err)
	require.Equal(t, code, connect.CodeOf(err), "%v", err)
}

// cookies returns what an answer sets.
func cookies(header http.Header) []*http.Cookie {
	return (&http.Response{Header: header}).Cookies()
}

// browser returns a context for one call with headers that a browser sends, and what tells its answer's headers.
func browser(ctx context.Context, headers ...string) (context.Context, connect.CallInfo) {
	ctx, call := connect.NewClientContext(ctx)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		call.RequestHeader().Set(name, value)
	}
	return ctx, call
}

// orders is an order service that knows one number, and who is held.
type orders struct {
	orderv1connect.UnimplementedOrderStateServiceHandler
	open atomic.Int64
	down atomic.Bool
	held holds
}

func (o *orders) HoldCustomer(_ context.Context, req *orderv1.HoldCustomerRequest) (*orderv1.HoldCustomerResponse, error) {
	if o.down.Load() {
		return nil, fault.Unavailable("DOWN", "down")
	}
	if err := o.held.hold(req.GetUserId(), req.GetHoldId(), req.GetLength().AsDuration()); err != nil {
		return nil, err
	}
	return &orderv1.HoldCustomerResponse{OpenOrders: o.open.Load()}, nil
}

// wallets is a payment service that knows one wallet, and who is held.
type wallets struct {
	paymentv1connect.UnimplementedPaymentStateServiceHandler
	empty atomic.Bool
	asked func() // when not nil, called while the question is answered
	held  holds
}

func (w *wallets) HoldWallet(_ context.Context, req *paymentv1.HoldWalletRequest) (*paymentv1.HoldWalletResponse, error) {
	if err := w.held.hold(req.GetUserId(), req.GetHoldId(), req.GetLength().AsDuration()); err != nil {
		return nil, err
	}
	if w.asked != nil {
		w.asked()
	}
	return &paymentv1.HoldWalletResponse{Empty: w.empty.Load()}, nil
}

// holds are the holds that last, by user.
type holds struct {
	mu sync.Mutex
	of map[string]string
}

func (h *holds) hold(user, id string, length time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other, ok := h.of[user]; ok && other != id {
		return fault.Aborted("ACCOUNT_CLOSING", "held")
	}
	if h.of == nil {
		h.of = map[string]string{}
	}
	h.of[user] = id
	if length == 0 {
		delete(h.of, user)
	}
	return nil
}

func (h *holds) has(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.of[user] != ""
}

// eventually waits for something to become true within the time that a revocation may take.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 5*time.Second, 10*time.Millisecond)
}
