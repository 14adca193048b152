package identity_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 9, 1, 12, 0, 0, 700_000_000, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newKeys(t testing.TB) *identity.Keys {
	keys, err := identity.LoadOrCreateKeys(t.TempDir(), "cart", "order")
	require.NoError(t, err)
	return keys
}

func customer() identity.Principal {
	return identity.Principal{ID: "u1", Role: identity.RoleCustomer, SessionID: "s1"}
}

func TestIssuedTokenNamesItsPrincipal(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	verifier := identity.NewVerifier(keys.Public(), clock.Now)
	for role, ttl := range map[identity.Role]time.Duration{
		identity.RoleGuest:    identity.GuestTokenLife,
		identity.RoleCustomer: identity.AccessTokenLife,
		identity.RoleStaff:    time.Minute,
	} {
		t.Run(role.String(), func(t *testing.T) {
			signer := identity.NewSigner(keys.People, identity.PeopleIssuer, clock.Now)
			token, err := signer.Issue(identity.Principal{ID: "u1", Role: role, SessionID: "s1"}, ttl)
			require.NoError(t, err)
			p, err := verifier.Verify(token)
			require.NoError(t, err)
			require.Equal(t, identity.Principal{
				ID: "u1", Role: role, SessionID: "s1", Token: token,
				IssuedAt: clock.Now(), ExpiresAt: clock.Now().Add(ttl).Truncate(time.Second),
			}, p)
		})
	}
}

func TestTokensExpireAlsoOutOfTheCache(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	verifier := identity.NewVerifier(keys.Public(), clock.Now)
	fresh := identity.NewVerifier(keys.Public(), clock.Now)
	token, err := identity.NewSigner(keys.People, identity.PeopleIssuer, clock.Now).Issue(customer(), identity.AccessTokenLife)
	require.NoError(t, err)
	_, err = verifier.Verify(token)
	require.NoError(t, err)

	clock.Advance(identity.AccessTokenLife + identity.Leeway + time.Second)
	for _, v := range []*identity.Verifier{verifier, fresh} {
		_, err = v.Verify(token)
		require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
		require.Equal(t, identity.ReasonTokenExpired, fault.ReasonOf(err))
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	verifier := identity.NewVerifier(keys.Public(), clock.Now)
	now := clock.Now()
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)

	// sign makes a token that is good but for what change does to it.
	sign := func(key any, method jwt.SigningMethod, kid string, change func(jwt.MapClaims)) string {
		claims := jwt.MapClaims{
			"iss": "user", "sub": "u1", "aud": "taproom", "role": "CUSTOMER", "sid": "s1",
			"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "iat_us": now.UnixMicro(),
		}
		change(claims)
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		require.NoError(t, err)
		return signed
	}
	public := func(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }
	people, cart := identity.KeyID(public(keys.People)), identity.KeyID(public(keys.Services["cart"]))
	none := func(jwt.MapClaims) {}
	as := func(name string, value any) func(jwt.MapClaims) {
		return func(c jwt.MapClaims) { c[name] = value }
	}
	without := func(name string) func(jwt.MapClaims) {
		return func(c jwt.MapClaims) { delete(c, name) }
	}
	service := func(c jwt.MapClaims) {
		c["iss"], c["sub"], c["aud"], c["role"] = "cart", "cart", "taproom-internal", "SERVICE"
	}
	eddsa := jwt.SigningMethodEdDSA

	good := sign(keys.People, eddsa, people, none)
	_, err = verifier.Verify(good)
	require.NoError(t, err)
	_, err = verifier.Verify(sign(keys.Services["cart"], eddsa, cart, service))
	require.NoError(t, err)

	parts := strings.Split(good, ".")
	forged := map[string]string{
		"empty":                     "",
		"not a token":               "abc",
		"too long":                  strings.Repeat("a", 5000),
		"stranger's key":            sign(stranger, eddsa, people, none),
		"unknown kid":               sign(stranger, eddsa, identity.KeyID(public(stranger)), none),
		"no kid":                    sign(keys.People, eddsa, "", none),
		"alg none":                  sign(jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, people, none),
		"alg HS256 with public key": sign([]byte(public(keys.People)), jwt.SigningMethodHS256, people, none),
		"signature cut":             parts[0] + "." + parts[1] + ".",
		"claims changed":            parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"role":"STAFF"}`)) + "." + parts[2],
		"no exp":                    sign(keys.People, eddsa, people, without("exp")),
		"no sub":                    sign(keys.People, eddsa, people, without("sub")),
		"no aud":                    sign(keys.People, eddsa, people, without("aud")),
		"no issue time":             sign(keys.People, eddsa, people, without("iat_us")),
		"other issuer":              sign(keys.People, eddsa, people, as("iss", "cart")),
		"other audience":            sign(keys.People, eddsa, people, as("aud", "elsewhere")),
		"one audience more":         sign(keys.People, eddsa, people, as("aud", []string{"taproom", "taproom-internal"})),
		"unknown role":              sign(keys.People, eddsa, people, as("role", "OWNER")),
		"issued in the future":      sign(keys.People, eddsa, people, as("iat_us", now.Add(time.Minute).UnixMicro())),
		"lives too long":            sign(keys.People, eddsa, people, as("exp", now.Add(time.Hour).Unix())),
		"person by a service's key": sign(keys.Services["cart"], eddsa, cart, none),
		"service by people's key":   sign(keys.People, eddsa, people, service),
		"person's role for service": sign(keys.People, eddsa, people, as("role", "SERVICE")),
		"service as a customer":     sign(keys.Services["cart"], eddsa, cart, func(c jwt.MapClaims) { service(c); c["role"] = "STAFF" }),
		"service as another": sign(keys.Services["cart"], eddsa, cart, func(c jwt.MapClaims) {
			service(c)
			c["iss"], c["sub"] = "order", "order"
		}),
		"service with another's name": sign(keys.Services["cart"], eddsa, cart, func(c jwt.MapClaims) { service(c); c["sub"] = "order" }),
	}
	for name, token := range forged {
		t.Run(name, func(t *testing.T) {
			for range 2 { // a refusal is not cached as anything else
				_, err := verifier.Verify(token)
				require.Equal(t, fault.KindUnauthenticated, fault.KindOf(err))
				require.Equal(t, identity.ReasonTokenInvalid, fault.ReasonOf(err))
			}
		})
	}
}

func TestIssueRefusesLivesThatVerifiersWouldRefuse(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	signer := identity.NewSigner(keys.People, identity.PeopleIssuer, clock.Now)
	for _, ttl := range []time.Duration{0, -time.Second, identity.AccessTokenLife + time.Second} {
		_, err := signer.Issue(customer(), ttl)
		require.Error(t, err)
	}
}

func TestVerificationCacheIsBounded(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	signer := identity.NewSigner(keys.People, identity.PeopleIssuer, clock.Now)
	const bound = 5
	verifier := identity.NewVerifier(keys.Public(), clock.Now)
	identity.BoundCache(verifier, bound)
	for i := range 3 * bound {
		token, err := signer.Issue(identity.Principal{ID: fmt.Sprintf("u%d", i), Role: identity.RoleCustomer}, time.Minute)
		require.NoError(t, err)
		_, err = verifier.Verify(token)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, identity.CacheLen(verifier), bound)
}

func TestServiceIdentityRenewsAtHalfLife(t *testing.T) {
	clock, keys := newClock(), newKeys(t)
	verifier := identity.NewVerifier(keys.Public(), clock.Now)
	self := identity.NewServiceIdentity("cart", keys.Services["cart"], clock.Now)
	first, err := self.Token()
	require.NoError(t, err)
	p, err := verifier.Verify(first)
	require.NoError(t, err)
	require.Equal(t, "cart", p.ID)
	require.Equal(t, identity.RoleService, p.Role)

	clock.Advance(identity.ServiceTokenLife/2 - time.Second)
	again, err := self.Token()
	require.NoError(t, err)
	require.Equal(t, first, again)

	clock.Advance(2 * time.Second)
	renewed, err := self.Token()
	require.NoError(t, err)
	require.NotEqual(t, first, renewed)
	_, err = verifier.Verify(renewed)
	require.NoError(t, err)
}

func TestRolesParse(t *testing.T) {
	for _, role := range []identity.Role{identity.RoleGuest, identity.RoleCustomer, identity.RoleStaff, identity.RoleService} {
		parsed, ok := identity.ParseRole(role.String())
		require.True(t, ok)
		require.Equal(t, role, parsed)
	}
	_, ok := identity.ParseRole("UNKNOWN")
	require.False(t, ok)
}

func BenchmarkVerify(b *testing.B) {
	keys := newKeys(b)
	signer := identity.NewSigner(keys.People, identity.PeopleIssuer, time.Now)
	token, err := signer.Issue(customer(), time.Minute)
	require.NoError(b, err)
	b.Run("cached", func(b *testing.B) {
		verifier := identity.NewVerifier(keys.Public(), time.Now)
		for b.Loop() {
			_, _ = verifier.Verify(token)
		}
	})
	b.Run("parsed", func(b *testing.B) {
		verifier := identity.NewVerifier(keys.Public(), time.Now)
		for b.Loop() {
			_, _ = identity.Parse(verifier, token)
		}
	})
}
