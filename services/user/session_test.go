package user_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/user"
)

func TestRegisterAndLogin(t *testing.T) {
	s := sqliteShop(t, cheap())
	account, first := s.register("Ann@Example.com")
	require.Equal(t, "Ann@Example.com", account.GetEmail())
	require.Equal(t, userv1.Role_ROLE_CUSTOMER, account.GetRole())
	require.Equal(t, account.GetId(), first.GetSubjectId())
	require.WithinDuration(t, time.Now().Add(identity.AccessTokenLife), first.GetExpiresAt().AsTime(), 10*time.Second)
	require.NoError(t, s.profile(first.GetAccessToken()))

	principal, err := s.Verifier.Verify(first.GetAccessToken())
	require.NoError(t, err)
	require.Equal(t, identity.RoleCustomer, principal.Role)
	require.NotEmpty(t, principal.SessionID)
	require.False(t, first.GetExpiresAt().AsTime().After(principal.ExpiresAt), "clients refresh in time")

	second, err := s.login("ann@example.COM", goodPassword)
	require.NoError(t, err)
	require.NotEqual(t, first.GetRefreshToken(), second.GetRefreshToken())
	require.NoError(t, s.profile(second.GetAccessToken()))

	_, wrong := s.login("ann@example.com", "not-the-password")
	requireFault(t, wrong, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
	_, unknown := s.login("nobody@example.com", "not-the-password")
	require.Equal(t, wrong.Error(), unknown.Error(), "nothing tells who has an account")

	_, err = s.users("").Register(t.Context(), &userv1.RegisterRequest{Email: "ANN@example.com", Password: goodPassword, DisplayName: "Eve"})
	requireFault(t, err, connect.CodeAlreadyExists, "EMAIL_TAKEN")
}

func TestRegisterRefusesBadInput(t *testing.T) {
	s := sqliteShop(t, cheap())
	for reason, req := range map[string]*userv1.RegisterRequest{
		"PASSWORD_TOO_COMMON": {Email: "a@example.com", Password: "password123", DisplayName: "A"},
		"PASSWORD_IS_EMAIL":   {Email: "anna@example.com", Password: "Anna@example.com", DisplayName: "A"},
		"DISPLAY_NAME_BLANK":  {Email: "a@example.com", Password: goodPassword, DisplayName: "   "},
		"VALIDATION_FAILED":   {Email: "a@example.com", Password: "short", DisplayName: "A"},
	} {
		_, err := s.users("").Register(t.Context(), req)
		requireFault(t, err, connect.CodeInvalidArgument, reason)
	}
}

func TestConcurrentRegistrationsOfOneAddress(t *testing.T) {
	databasetest.Each(t, user.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db, cheap())
		errs := make(chan error, 6)
		var group sync.WaitGroup
		for range cap(errs) {
			group.Go(func() {
				_, err := s.users("").Register(t.Context(), &userv1.RegisterRequest{Email: "ann@example.com", Password: goodPassword, DisplayName: "Ann"})
				errs <- err
			})
		}
		group.Wait()
		close(errs)
		won := 0
		for err := range errs {
			if err == nil {
				won++
				continue
			}
			requireFault(t, err, connect.CodeAlreadyExists, "EMAIL_TAKEN")
		}
		require.Equal(t, 1, won)
	})
}

func TestGuests(t *testing.T) {
	s := sqliteShop(t, cheap())
	answer, err := s.users("").StartGuest(t.Context(), &userv1.StartGuestRequest{})
	require.NoError(t, err)
	guest := answer.GetSession()
	require.Equal(t, userv1.Role_ROLE_GUEST, guest.GetRole())
	requireFault(t, s.profile(guest.GetAccessToken()), connect.CodePermissionDenied, "CUSTOMER_REQUIRED")

	next, err := s.refresh(guest.GetRefreshToken())
	require.NoError(t, err)
	require.Equal(t, guest.GetSubjectId(), next.GetSubjectId(), "the same guest, with the same cart")
	require.Equal(t, userv1.Role_ROLE_GUEST, next.GetRole())

	_, err = s.users(next.GetAccessToken()).Logout(t.Context(), &userv1.LogoutRequest{})
	require.NoError(t, err)
	_, err = s.refresh(next.GetRefreshToken())
	requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
}

func TestRefreshAndReuse(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, first := s.register("ann@example.com")
	second, err := s.refresh(first.GetRefreshToken())
	require.NoError(t, err)
	require.NotEqual(t, first.GetRefreshToken(), second.GetRefreshToken())
	require.NoError(t, s.profile(second.GetAccessToken()))

	_, err = s.refresh(first.GetRefreshToken())
	requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_REUSED")
	_, err = s.refresh(second.GetRefreshToken())
	requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
	s.hearRevocations()
	requireFault(t, s.profile(second.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")

	for _, token := range []string{"", "nonsense", strings.Repeat("x", 200)} {
		_, err = s.refresh(token)
		requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
	}
}

func TestConcurrentRefreshesHaveOneWinner(t *testing.T) {
	databasetest.Each(t, user.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db, cheap())
		_, session := s.register("ann@example.com")
		errs := make(chan error, 6)
		var group sync.WaitGroup
		for range cap(errs) {
			group.Go(func() {
				_, err := s.refresh(session.GetRefreshToken())
				errs <- err
			})
		}
		group.Wait()
		close(errs)
		won := 0
		for err := range errs {
			if err == nil {
				won++
			} else {
				require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err), "%v", err)
			}
		}
		require.Equal(t, 1, won)
	})
}

func TestLogout(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, one := s.register("ann@example.com")
	two, err := s.login("ann@example.com", goodPassword)
	require.NoError(t, err)
	three, err := s.login("ann@example.com", goodPassword)
	require.NoError(t, err)

	_, err = s.users(one.GetAccessToken()).Logout(t.Context(), &userv1.LogoutRequest{})
	require.NoError(t, err)
	s.hearRevocations()
	requireFault(t, s.profile(one.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")
	require.NoError(t, s.profile(two.GetAccessToken()), "other sessions go on")

	_, err = s.users(two.GetAccessToken()).Logout(t.Context(), &userv1.LogoutRequest{AllSessions: true})
	require.NoError(t, err)
	s.hearRevocations()
	for _, session := range []*userv1.Session{two, three} {
		requireFault(t, s.profile(session.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")
		_, err = s.refresh(session.GetRefreshToken())
		requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
	}
	again, err := s.login("ann@example.com", goodPassword)
	require.NoError(t, err)
	require.NoError(t, s.profile(again.GetAccessToken()), "a new session is not touched")
}

// Through the outbox, the relay and the stream a log-out reaches every service within a second.
func TestLogoutIsHeardEverywhere(t *testing.T) {
	s := sqliteShop(t, cheap())
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.StopNATS(broker, conn)) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), js, 1))
	require.NoError(t, s.Revocations.Start(t.Context(), js))
	relay := messaging.Relay{Service: "user", DB: s.db, NATS: conn, Log: slog.New(slog.DiscardHandler)}
	var relaying sync.WaitGroup
	relaying.Go(func() {
		if err := relay.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(relaying.Wait)

	_, session := s.register("ann@example.com")
	require.NoError(t, s.profile(session.GetAccessToken()))
	_, err = s.users(session.GetAccessToken()).Logout(t.Context(), &userv1.LogoutRequest{})
	require.NoError(t, err)
	eventually(t, func() bool { return connect.CodeOf(s.profile(session.GetAccessToken())) == connect.CodeUnauthenticated })
}

func TestBadTokensAreRefused(t *testing.T) {
	s := sqliteShop(t, cheap())
	account, session := s.register("ann@example.com")
	good, err := s.Verifier.Verify(session.GetAccessToken())
	require.NoError(t, err)

	strangers, err := identity.LoadOrCreateKeys(t.TempDir())
	require.NoError(t, err)
	forged, err := identity.NewSigner(strangers.People, identity.PeopleIssuer, time.Now).Issue(good, time.Minute)
	require.NoError(t, err)
	past := func() time.Time { return time.Now().Add(-time.Hour) }
	expired, err := identity.NewSigner(s.Keys.People, identity.PeopleIssuer, past).Issue(good, identity.AccessTokenLife)
	require.NoError(t, err)

	claims := jwt.MapClaims{
		"iss": "user", "aud": []string{"taproom"}, "sub": account.GetId(), "role": "STAFF", "sid": good.SessionID,
		"iat": time.Now().Unix(), "iat_us": time.Now().UnixMicro(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	public := s.Keys.Public().People[0]
	withKey := func(method jwt.SigningMethod, key any) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = identity.KeyID(public)
		text, err := token.SignedString(key)
		require.NoError(t, err)
		return text
	}
	parts := strings.Split(session.GetAccessToken(), ".")
	swapped := strings.Split(withKey(jwt.SigningMethodHS256, []byte("x")), ".")[1]

	for name, token := range map[string]string{
		"another key":         forged,
		"unsigned":            withKey(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"public key as HMAC":  withKey(jwt.SigningMethodHS256, []byte(public)),
		"changed claims":      parts[0] + "." + swapped + "." + parts[2],
		"no token at all":     "nonsense",
		"refresh as access":   session.GetRefreshToken(),
		"signature left away": parts[0] + "." + parts[1] + ".",
	} {
		t.Run(name, func(t *testing.T) {
			requireFault(t, s.profile(token), connect.CodeUnauthenticated, "TOKEN_INVALID")
		})
	}
	requireFault(t, s.profile(expired), connect.CodeUnauthenticated, "TOKEN_EXPIRED")
	requireFault(t, s.profile(""), connect.CodeUnauthenticated, "TOKEN_MISSING")
}

func TestThrottling(t *testing.T) {
	cfg := cheap()
	cfg.LoginFailuresPerAccount, cfg.LoginFailuresPerAddress = 3, 6
	s := sqliteShop(t, cfg)
	s.register("ann@example.com")
	from := func(address, password string) error {
		ctx, _ := browser(t.Context(), "Taproom-Client-Ip: "+address)
		_, err := s.users("").Login(ctx, &userv1.LoginRequest{Email: "ann@example.com", Password: password})
		return err
	}
	for range 3 {
		requireFault(t, from("203.0.113.9", "wrong"), connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
	}
	requireFault(t, from("203.0.113.9", goodPassword), connect.CodeResourceExhausted, "TOO_MANY_ATTEMPTS")
	require.NoError(t, from("198.51.100.4", goodPassword), "a stranger's failures don't lock the owner out")

	// Registrations that find an account count as well: nobody lists who has one.
	register := func() error {
		ctx, _ := browser(t.Context(), "Taproom-Client-Ip: 203.0.113.9")
		_, err := s.users("").Register(ctx, &userv1.RegisterRequest{Email: "ann@example.com", Password: goodPassword, DisplayName: "A"})
		return err
	}
	for range 3 {
		requireFault(t, register(), connect.CodeAlreadyExists, "EMAIL_TAKEN")
	}
	requireFault(t, register(), connect.CodeResourceExhausted, "TOO_MANY_ATTEMPTS")

	// Whoever has one address of an IPv6 network has them all.
	for _, address := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3"} {
		requireFault(t, from(address, "wrong"), connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
	}
	requireFault(t, from("2001:db8::4", "wrong"), connect.CodeResourceExhausted, "TOO_MANY_ATTEMPTS")
	requireFault(t, from("2001:db8:0:1::1", "wrong"), connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
}

func TestHashesAreRenewedAtLogin(t *testing.T) {
	db := databasetest.SQLite(t, user.Migrations()...)
	newShop(t, db, cheap()).register("ann@example.com")
	dearer := cheap()
	dearer.HashMemoryKiB = 16
	s := newShop(t, db, dearer)

	for range 2 {
		_, err := s.login("ann@example.com", goodPassword)
		require.NoError(t, err)
	}
	var hash string
	require.NoError(t, db.QueryRow(t.Context(), `SELECT hash FROM credentials`).Scan(&hash))
	require.Contains(t, hash, "m=16,")
}

func TestCookies(t *testing.T) {
	s := sqliteShop(t, cheap())
	s.register("ann@example.com")
	const own = "Origin: http://user"

	ctx, call := browser(t.Context(), own)
	answer, err := s.users("").Login(ctx, &userv1.LoginRequest{Email: "ann@example.com", Password: goodPassword, UseCookie: true})
	require.NoError(t, err)
	require.Empty(t, answer.GetSession().GetRefreshToken(), "scripts never see it")
	set := cookies(call.ResponseHeader())
	require.Len(t, set, 1)
	require.Equal(t, "taproom_refresh", set[0].Name)
	require.Equal(t, "/taproom.user.v1.UserService/", set[0].Path)
	require.True(t, set[0].HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, set[0].SameSite)
	require.False(t, set[0].Secure)
	require.InDelta(t, 30*24*3600, set[0].MaxAge, 10)

	ctx, call = browser(t.Context(), own, "Cookie: taproom_refresh="+set[0].Value, "X-Forwarded-Proto: https")
	refreshed, err := s.users("").RefreshSession(ctx, &userv1.RefreshSessionRequest{})
	require.NoError(t, err)
	require.Empty(t, refreshed.GetSession().GetRefreshToken())
	next := cookies(call.ResponseHeader())
	require.Len(t, next, 1)
	require.NotEqual(t, set[0].Value, next[0].Value)
	require.True(t, next[0].Secure, "it came by TLS")

	ctx, call = browser(t.Context(), own, "Cookie: taproom_refresh="+set[0].Value)
	_, err = s.users("").RefreshSession(ctx, &userv1.RefreshSessionRequest{})
	requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_REUSED")
	cleared := cookies(call.ResponseHeader())
	require.Len(t, cleared, 1)
	require.Negative(t, cleared[0].MaxAge, "the browser forgets a dead token")
}

func TestCookiesAreForPagesOfTheShop(t *testing.T) {
	cfg := cheap()
	cfg.PublicOrigins = []string{"https://shop.example"}
	s := sqliteShop(t, cfg)
	s.register("ann@example.com")
	login := func(headers ...string) (*http.Cookie, error) {
		ctx, call := browser(t.Context(), headers...)
		_, err := s.users("").Login(ctx, &userv1.LoginRequest{Email: "ann@example.com", Password: goodPassword, UseCookie: true})
		if err != nil {
			require.Empty(t, cookies(call.ResponseHeader()))
			return nil, err
		}
		return cookies(call.ResponseHeader())[0], nil
	}
	cookie, err := login("Origin: https://shop.example", "Sec-Fetch-Site: cross-site")
	require.NoError(t, err, "a configured origin")
	_, err = login("Origin: http://localhost:8080", "X-Forwarded-Host: localhost:8080")
	require.NoError(t, err, "the host that the edge was asked for")

	for _, headers := range [][]string{
		{"Origin: https://evil.example"},
		{"Origin: null"},
		{"Origin: http://user", "Sec-Fetch-Site: cross-site"},
		{"Origin: http://sub.user", "Sec-Fetch-Site: same-site"},
	} {
		_, err = login(headers...)
		requireFault(t, err, connect.CodePermissionDenied, "ORIGIN_NOT_ALLOWED")

		ctx, _ := browser(t.Context(), append(headers, "Cookie: taproom_refresh="+cookie.Value)...)
		_, err = s.users("").RefreshSession(ctx, &userv1.RefreshSessionRequest{})
		requireFault(t, err, connect.CodePermissionDenied, "ORIGIN_NOT_ALLOWED")
	}
	ctx, _ := browser(t.Context(), "Origin: https://shop.example", "Cookie: taproom_refresh="+cookie.Value)
	_, err = s.users("").RefreshSession(ctx, &userv1.RefreshSessionRequest{})
	require.NoError(t, err, "refused calls did not use the token up")
}
