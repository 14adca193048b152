package e2e_test

import (
	"context"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// Who may not call a method hears that, and nothing of what the request lacks: every method of the schema is called with an
// empty request by everybody whom its policy keeps out.
func TestNobodyPassesAPolicyThatKeepsThemOut(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	guest, customer := shop.Guest(t).Token, shop.Register(t).Token
	type refusal struct {
		who, token, reason string
		code               connect.Code
	}
	anonymous := refusal{"nobody", "", "TOKEN_MISSING", connect.CodeUnauthenticated}
	refusals := map[policyv1.Access][]refusal{
		policyv1.Access_ACCESS_PUBLIC:   {},
		policyv1.Access_ACCESS_GUEST:    {anonymous},
		policyv1.Access_ACCESS_CUSTOMER: {anonymous, {"a guest", guest, "CUSTOMER_REQUIRED", connect.CodePermissionDenied}},
		policyv1.Access_ACCESS_STAFF: {
			anonymous,
			{"a guest", guest, "STAFF_REQUIRED", connect.CodePermissionDenied},
			{"a customer", customer, "STAFF_REQUIRED", connect.CodePermissionDenied},
		},
	}
	for _, p := range protocols() {
		client := p.http()
		for _, m := range methods() {
			if !m.public() {
				continue // TestMethodsForServicesAreNotThereForThePublic
			}
			expected, known := refusals[m.access()]
			require.True(t, known, "%s: these tests don't know its policy", m.FullName())
			for _, r := range expected {
				err := m.callEmpty(t.Context(), client, shop, r.token, p.options...)
				reason, _ := shoptest.Reason(err)
				require.Equal(t, r.code.String()+" "+r.reason, connect.CodeOf(err).String()+" "+reason, "%s by %s, called by %s", m.FullName(), p.name, r.who)
			}
			forged := m.callEmpty(t.Context(), client, shop, "no.token.atall", p.options...)
			requireRefused(t, forged, connect.CodeUnauthenticated, "TOKEN_INVALID")
		}
	}
}

// Services tell each other for whom they work by headers, which nobody outside can send.
func TestIdentityHeadersFromOutsideAreDropped(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	victim, thief := shop.Register(t), shop.Register(t)
	call := func(token string) (*userv1.GetProfileResponse, error) {
		ctx, info := connect.NewClientContext(t.Context())
		info.RequestHeader().Set("Taproom-Customer", victim.Token)
		info.RequestHeader().Set("taproom-client-ip", "127.0.0.1")
		return shop.Anybody(token).Users.GetProfile(ctx, &userv1.GetProfileRequest{})
	}
	profile, err := call(thief.Token)
	require.NoError(t, err)
	require.Equal(t, thief.ID, profile.GetUser().GetId())
	_, err = call("")
	requireRefused(t, err, connect.CodeUnauthenticated, "TOKEN_MISSING")
}

// Health and the pages need no token; what stands inside is not to be had.
func TestInternalPathsAreNotServed(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/.git/config", "/secrets/people.pem", "/..%2fsecrets%2fpeople.pem"} {
		answer := get(t, shop, path)
		require.NotContains(t, answer.header.Get("Content-Type"), "text/plain; version", path)
		if answer.status == http.StatusOK { // the app's first page
			require.Contains(t, answer.header.Get("Content-Type"), "text/html", path)
		}
	}
	require.NoError(t, shop.Healthy(context.WithoutCancel(t.Context())))
}
