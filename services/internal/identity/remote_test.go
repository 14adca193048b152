package identity_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

// userService tells keys as the user service does.
type userService struct {
	*httptest.Server
	asked atomic.Int64
	tells atomic.Pointer[http.Handler]
}

func newUserService(t *testing.T, keys ...ed25519.PublicKey) *userService {
	u := &userService{}
	u.tell(identity.JWKS(keys...))
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.asked.Add(1)
		(*u.tells.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *userService) tell(handler http.Handler) { u.tells.Store(&handler) }

func (u *userService) verifier(clock *clock) *identity.Verifier {
	keys := identity.NewRemoteKeys(u.Client(), u.URL+identity.JWKSPath, slog.New(slog.DiscardHandler), clock.Now)
	return identity.NewVerifier(keys, clock.Now)
}

func newKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return public, private
}

func issue(t *testing.T, key ed25519.PrivateKey, clock *clock) string {
	token, err := identity.NewSigner(key, identity.PeopleIssuer, clock.Now).
		Issue(identity.Principal{ID: "g1", Role: identity.RoleGuest}, identity.GuestTokenLife)
	require.NoError(t, err)
	return token
}

func TestKeysOfPeopleRotate(t *testing.T) {
	clock := newClock()
	oldPublic, oldKey := newKey(t)
	newPublic, next := newKey(t)
	user := newUserService(t, oldPublic)
	verifier := user.verifier(clock)
	require.Zero(t, user.asked.Load())
	old := issue(t, oldKey, clock)
	_, err := verifier.Verify(old)
	require.NoError(t, err)

	user.tell(identity.JWKS(newPublic, oldPublic))
	fresh := issue(t, next, clock)
	_, err = verifier.Verify(fresh)
	require.Equal(t, identity.ReasonTokenInvalid, fault.ReasonOf(err), "it was asked for a moment ago")
	clock.Advance(4 * time.Second)
	for _, token := range []string{fresh, old, issue(t, oldKey, clock)} {
		p, err := verifier.Verify(token)
		require.NoError(t, err)
		require.Equal(t, "g1", p.ID)
	}
	require.EqualValues(t, 2, user.asked.Load())

	// The old key is withdrawn: what was good, and is remembered, is good no longer.
	user.tell(identity.JWKS(newPublic))
	clock.Advance(61 * time.Second)
	require.Eventually(t, func() bool {
		_, err := verifier.Verify(old)
		return fault.ReasonOf(err) == identity.ReasonTokenInvalid
	}, 5*time.Second, time.Millisecond)
	_, err = verifier.Verify(fresh)
	require.NoError(t, err)
}

func TestUnknownKeysAreAskedForOnceInAWhile(t *testing.T) {
	clock := newClock()
	public, _ := newKey(t)
	_, stranger := newKey(t)
	user := newUserService(t, public)
	verifier := user.verifier(clock)
	for round := range 3 {
		var calls sync.WaitGroup
		for range 10 {
			token := issue(t, stranger, clock)
			calls.Go(func() {
				_, err := verifier.Verify(token)
				if fault.ReasonOf(err) != identity.ReasonTokenInvalid {
					t.Errorf("a stranger's token: %v", err)
				}
			})
		}
		calls.Wait()
		require.EqualValues(t, round+1, user.asked.Load())
		clock.Advance(4 * time.Second)
	}
}

func TestLastKnownKeysStayWhileUserIsAway(t *testing.T) {
	clock := newClock()
	public, key := newKey(t)
	_, other := newKey(t)
	away := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	user := newUserService(t, public)
	user.tell(away)
	verifier := user.verifier(clock)
	requireUnavailable := func(key ed25519.PrivateKey) {
		t.Helper()
		_, err := verifier.Verify(issue(t, key, clock))
		require.Equal(t, fault.KindUnavailable, fault.KindOf(err), "nobody is told to log in again: %v", err)
		require.Equal(t, identity.ReasonKeysUnavailable, fault.ReasonOf(err))
	}
	requireUnavailable(key)
	requireUnavailable(key)
	require.EqualValues(t, 1, user.asked.Load())

	user.tell(identity.JWKS(public))
	clock.Advance(4 * time.Second)
	token := issue(t, key, clock)
	_, err := verifier.Verify(token)
	require.NoError(t, err)

	text := func(body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	for _, bad := range []http.Handler{
		away, text("beer"), text(`{"keys":[]}`), text(`{"keys":[{"kty":"RSA"}]}`), text(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"YWJj"}]}`),
	} {
		user.tell(bad)
		clock.Advance(2 * time.Minute)
		asked := user.asked.Load()
		_, err := verifier.Verify(token)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return user.asked.Load() > asked }, 5*time.Second, time.Millisecond)
		_, err = verifier.Verify(issue(t, key, clock))
		require.NoError(t, err)
		clock.Advance(4 * time.Second)
		requireUnavailable(other)
	}
}
