package e2e_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// token is an access token taken apart.
type token struct {
	header, claims map[string]any
	signature      string
}

func parse(t *testing.T, text string) token {
	parts := strings.Split(text, ".")
	require.Len(t, parts, 3)
	out := token{signature: parts[2]}
	for i, to := range []*map[string]any{&out.header, &out.claims} {
		content, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(content, to))
	}
	return out
}

// text puts the token together; sign makes the signature of its first two parts, nil keeps the old one.
func (k token) text(t *testing.T, sign func(signed string) []byte) string {
	header, err := json.Marshal(k.header)
	require.NoError(t, err)
	claims, err := json.Marshal(k.claims)
	require.NoError(t, err)
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	if sign == nil {
		return signed + "." + k.signature
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(signed))
}

func TestTokensThatNobodyGaveOut(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	good := shop.Register(t).Token
	with := func(part, name string, value any, sign func(string) []byte) string {
		k := parse(t, good)
		if part == "header" {
			k.header[name] = value
		} else {
			k.claims[name] = value
		}
		return k.text(t, sign)
	}
	kid, _ := parse(t, good).header["kid"].(string)
	require.NotEmpty(t, kid)
	_, own, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	mine := func(signed string) []byte { return ed25519.Sign(own, []byte(signed)) }
	hs256 := func(secret string) func(string) []byte {
		return func(signed string) []byte {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(signed))
			return mac.Sum(nil)
		}
	}
	unsigned := func(string) []byte { return nil }
	for name, bad := range map[string]string{
		"a longer life":                with("claims", "exp", time.Now().Add(time.Hour).Unix(), nil),
		"another role":                 with("claims", "role", "STAFF", nil),
		"another person":               with("claims", "sub", shoptest.NewID(), nil),
		"signed by another key":        parse(t, good).text(t, mine),
		"signed by another key, staff": with("claims", "role", "STAFF", mine),
		"a key nobody has":             with("header", "kid", "mine", mine),
		"a key from elsewhere":         with("header", "jku", "http://127.0.0.1:1/keys", mine),
		"a key in its header":          with("header", "jwk", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(own[32:])}, mine),
		"alg none":                     with("header", "alg", "none", unsigned),
		"alg None, with a signature":   with("header", "alg", "None", nil),
		"HS256 by the key's name":      with("header", "alg", "HS256", hs256(kid)),
		"HS256 by nothing":             with("header", "alg", "HS256", hs256("")),
		"RS256":                        with("header", "alg", "RS256", nil),
		"no signature":                 parse(t, good).text(t, unsigned),
		"cut off":                      good[:len(good)-3],
		"one part":                     "token",
		"long":                         good + strings.Repeat("A", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			p := shop.Anybody(bad)
			_, err := p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{})
			requireRefused(t, err, connect.CodeUnauthenticated, "TOKEN_INVALID")
			_, err = p.Catalog.ListStyles(t.Context(), &catalogv1.ListStylesRequest{})
			requireRefused(t, err, connect.CodeUnauthenticated, "TOKEN_INVALID") // so that a client learns of it
		})
	}
	for _, header := range []string{"Basic YTpi", "Bearer", "Bearer ", good, "Bearer " + good + " x"} {
		answer := post(t, shop, "/taproom.order.v1.OrderService/ListOrders", []byte(`{}`), "Authorization", header)
		require.Equal(t, "unauthenticated TOKEN_INVALID", answer.Code+" "+answer.reason(t), "%q", header)
	}
	answer := post(t, shop, "/taproom.order.v1.OrderService/ListOrders", []byte(`{}`), "Authorization", "bearer "+good)
	require.Equal(t, 200, answer.status, "a scheme's letters have no case")
}

// A session that ended is over within a second, wherever it is used, and so is what it had open.
func TestEndedSessions(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	for name, end := range map[string]func(t *testing.T, p *shoptest.Person){
		"log-out": func(t *testing.T, p *shoptest.Person) {
			require.NoError(t, second(p.Users.Logout(t.Context(), &userv1.LogoutRequest{})))
		},
		"log-out everywhere": func(t *testing.T, p *shoptest.Person) {
			other := shop.Login(t, p.Account)
			require.NoError(t, second(other.Users.Logout(t.Context(), &userv1.LogoutRequest{AllSessions: true})))
		},
		"a new password": func(t *testing.T, p *shoptest.Person) {
			other := shop.Login(t, p.Account)
			change := &userv1.ChangePasswordRequest{CurrentPassword: p.Account.Password, NewPassword: rand.Text()}
			require.NoError(t, second(other.Users.ChangePassword(t.Context(), change)))
			require.NoError(t, second(other.Users.GetProfile(t.Context(), &userv1.GetProfileRequest{})), "only others end")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := shop.Register(t)
			card := p.SaveCard(t, shoptest.GoodCard)
			stream, err := p.CartQueries.WatchCart(t.Context(), &cartv1.WatchCartRequest{})
			require.NoError(t, err)
			defer stream.Close()
			require.True(t, stream.Receive(), stream.Err())
			end(t, p)
			over := time.Now()
			require.False(t, stream.Receive())
			requireRefused(t, stream.Err(), connect.CodeUnauthenticated, "TOKEN_REVOKED")
			// Each service hears of it by itself.
			topUp := &paymentv1.TopUpWalletRequest{RequestId: shoptest.NewID(), CardId: card, AmountMinorUnits: 100}
			requireRevoked(t, func() error { return second(p.Payments.TopUpWallet(t.Context(), topUp)) })
			requireRevoked(t, func() error { return second(p.Orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{})) })
			require.Less(t, time.Since(over), 3*time.Second, "a second, and room for a busy machine")
		})
	}
}

// requireRevoked waits until a call is refused because its session has ended.
func requireRevoked(t *testing.T, call func() error) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := call()
		reason, _ := shoptest.Reason(err)
		return connect.CodeOf(err) == connect.CodeUnauthenticated && reason == "TOKEN_REVOKED"
	}, 3*time.Second, tick)
}

// A refresh token works once. A second use means that it was stolen, from whoever uses it: the session ends.
func TestRefreshTokensWorkOnce(t *testing.T) {
	t.Parallel()
	ctx, shop := t.Context(), sharedShop(t)
	anybody := shop.Anybody("").Users
	refresh := func(token string) (*userv1.RefreshSessionResponse, error) {
		return anybody.RefreshSession(ctx, &userv1.RefreshSessionRequest{RefreshToken: token})
	}
	account := shop.Register(t).Account
	login, err := anybody.Login(ctx, &userv1.LoginRequest{Email: account.Email, Password: account.Password})
	require.NoError(t, err)
	first := login.GetSession().GetRefreshToken()
	renewed, err := refresh(first)
	require.NoError(t, err)
	p := shop.Anybody(renewed.GetSession().GetAccessToken())
	require.NoError(t, second(p.Users.GetProfile(ctx, &userv1.GetProfileRequest{})))

	requireRefused(t, second(refresh(first)), connect.CodeUnauthenticated, "REFRESH_TOKEN_REUSED")
	require.Error(t, second(refresh(renewed.GetSession().GetRefreshToken())), "the newest one is void, too")
	requireRevoked(t, func() error { return second(p.Users.GetProfile(ctx, &userv1.GetProfileRequest{})) })
	requireRefused(t, second(refresh("nonsense")), connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
	requireRefused(t, second(refresh("")), connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
}
