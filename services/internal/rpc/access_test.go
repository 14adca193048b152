package rpc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

var protocols = map[string][]connect.ClientOption{
	"connect":     nil,
	"connectJSON": {connect.WithProtoJSON()},
	"gRPC":        {connect.WithGRPC()},
	"gRPCWeb":     {connect.WithGRPCWeb()},
}

// whoami answers with the principals that the interceptors found.
func whoami(ctx context.Context, _ *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	text := "anonymous"
	if p, ok := identity.From(ctx); ok {
		text = p.Role.String() + " " + p.ID
	}
	if s, ok := identity.Service(ctx); ok {
		text += " by " + s.ID
	}
	return wrapperspb.String(text), nil
}

func whoamiStream(ctx context.Context, req *wrapperspb.StringValue, stream *connect.ServerStream[wrapperspb.StringValue]) error {
	answer, err := whoami(ctx, req)
	if err != nil {
		return err
	}
	return stream.Send(answer)
}

// network serves handler on a port and returns a client for HTTP/2 without TLS.
func network(t testing.TB, handler http.Handler) (*http.Client, string) {
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, srv.URL
}

func TestAccessPolicy(t *testing.T) {
	shop := rpctest.New(t, "test", "cart")
	shop.Serve("test")(newHandler(t, whoami, whoamiStream, shop.Options("test")...))
	service, err := identity.NewServiceIdentity("cart", shop.Keys.Services["cart"], shop.Clock).Token()
	require.NoError(t, err)
	expired, err := identity.NewSigner(shop.Keys.People, identity.PeopleIssuer, func() time.Time { return time.Now().Add(-time.Hour) }).
		Issue(identity.Principal{ID: "c1", Role: identity.RoleCustomer}, time.Minute)
	require.NoError(t, err)
	guest, customer, staff := shop.Token(identity.RoleGuest, "g1"), shop.Token(identity.RoleCustomer, "c1"), shop.Token(identity.RoleStaff, "s1")
	revoked := shop.Token(identity.RoleCustomer, "gone")
	shop.Revocations.Revoke("gone", "session-gone", time.Now())

	const (
		ok     = ""
		person = rpc.ReasonPersonRequired
		cust   = rpc.ReasonCustomerRequired
		stf    = rpc.ReasonStaffRequired
		svc    = rpc.ReasonServiceRequired
	)
	token := rpctest.Bearer
	onBehalf := func(token string) connect.ClientOption { return rpctest.Header(rpc.CustomerHeader, token) }
	levels := []policyv1.Access{
		policyv1.Access_ACCESS_PUBLIC, policyv1.Access_ACCESS_GUEST, policyv1.Access_ACCESS_CUSTOMER,
		policyv1.Access_ACCESS_STAFF, policyv1.Access_ACCESS_SERVICE, policyv1.Access_ACCESS_UNSPECIFIED,
	}
	callers := map[string]struct {
		options []connect.ClientOption
		who     string
		reasons [6]string // in the order of levels; empty: passes
	}{
		"anonymous": {
			nil, "anonymous",
			[6]string{ok, rpc.ReasonTokenMissing, rpc.ReasonTokenMissing, rpc.ReasonTokenMissing, rpc.ReasonTokenMissing, rpc.ReasonPolicyMissing},
		},
		"guest": {
			[]connect.ClientOption{token(guest)},
			"GUEST g1",
			[6]string{ok, ok, cust, stf, svc, rpc.ReasonPolicyMissing},
		},
		"customer": {
			[]connect.ClientOption{token(customer)},
			"CUSTOMER c1",
			[6]string{ok, ok, ok, stf, svc, rpc.ReasonPolicyMissing},
		},
		"staff": {
			[]connect.ClientOption{token(staff)},
			"STAFF s1",
			[6]string{ok, ok, ok, ok, svc, rpc.ReasonPolicyMissing},
		},
		"service": {
			[]connect.ClientOption{token(service)},
			"SERVICE cart by cart",
			[6]string{ok, person, cust, stf, ok, rpc.ReasonPolicyMissing},
		},
		"service for guest": {
			[]connect.ClientOption{token(service), onBehalf(guest)},
			"GUEST g1 by cart",
			[6]string{ok, ok, cust, stf, ok, rpc.ReasonPolicyMissing},
		},
		"service for customer": {
			[]connect.ClientOption{token(service), onBehalf(customer)},
			"CUSTOMER c1 by cart",
			[6]string{ok, ok, ok, stf, ok, rpc.ReasonPolicyMissing},
		},
		"service for staff": {
			[]connect.ClientOption{token(service), onBehalf(staff)},
			"STAFF s1 by cart",
			[6]string{ok, ok, ok, ok, ok, rpc.ReasonPolicyMissing},
		},
		"garbage token":                {[]connect.ClientOption{token("garbage")}, "", all(identity.ReasonTokenInvalid)},
		"expired token":                {[]connect.ClientOption{token(expired)}, "", all(identity.ReasonTokenExpired)},
		"revoked token":                {[]connect.ClientOption{token(revoked)}, "", all(identity.ReasonTokenRevoked)},
		"no bearer":                    {[]connect.ClientOption{rpctest.Header("Authorization", "Basic eDp5")}, "", all(identity.ReasonTokenInvalid)},
		"service for expired":          {[]connect.ClientOption{token(service), onBehalf(expired)}, "", all(identity.ReasonTokenExpired)},
		"service for revoked":          {[]connect.ClientOption{token(service), onBehalf(revoked)}, "", all(identity.ReasonTokenRevoked)},
		"service for service":          {[]connect.ClientOption{token(service), onBehalf(service)}, "", all(identity.ReasonTokenInvalid)},
		"customer for customer":        {[]connect.ClientOption{token(customer), onBehalf(staff)}, "", all(rpc.ReasonServiceTokenInvalid)},
		"anonymous for customer":       {[]connect.ClientOption{onBehalf(staff)}, "", all(rpc.ReasonServiceTokenInvalid)},
		"expired service for customer": {[]connect.ClientOption{token(expired), onBehalf(customer)}, "", all(rpc.ReasonServiceTokenInvalid)},
	}

	mux := http.NewServeMux()
	mux.Handle(newHandler(t, whoami, whoamiStream, shop.Options("test")...))
	overNetwork, networkURL := network(t, mux)
	inProcess, inProcessURL := shop.Client("test")
	for transport, server := range map[string]struct {
		client connect.HTTPClient
		url    string
	}{"network": {overNetwork, networkURL}, "inProcess": {inProcess, inProcessURL}} {
		for protocol, protocolOptions := range protocols {
			t.Run(transport+"/"+protocol, func(t *testing.T) {
				for name, caller := range callers {
					for i, access := range levels {
						for _, stream := range []bool{false, true} {
							m := method{access: access, stream: stream}
							options := append(append([]connect.ClientOption{}, protocolOptions...), caller.options...)
							who, err := call(t.Context(), server.client, server.url, m, "", options...)
							reason := caller.reasons[i]
							if reason == "" {
								require.NoError(t, err, "%s calls %s", name, m.name())
								require.Equal(t, caller.who, who)
								continue
							}
							code := connect.CodePermissionDenied
							if caller.who == "" || reason == rpc.ReasonTokenMissing {
								code = connect.CodeUnauthenticated
							}
							require.Equal(t, code, connect.CodeOf(err), "%s calls %s: %v", name, m.name(), err)
							require.Equal(t, reason, info(err).GetReason(), "%s calls %s", name, m.name())
							require.Equal(t, "test.taproom", info(err).GetDomain())
						}
					}
				}
			})
		}
	}
}

func all(reason string) (reasons [6]string) {
	for i := range reasons {
		reasons[i] = reason
	}
	return reasons
}

func TestCriticalMethodsFailClosed(t *testing.T) {
	shop := rpctest.New(t)
	shop.Serve("test")(newHandler(t, whoami, whoamiStream, shop.Options("test")...))
	client, url := shop.Client("test")
	customer := shop.As(identity.RoleCustomer, "c1")
	for _, stream := range []bool{false, true} {
		critical := method{access: policyv1.Access_ACCESS_CUSTOMER, critical: true, stream: stream}
		plain := method{access: policyv1.Access_ACCESS_CUSTOMER, stream: stream}
		shop.Revocations.SetDeaf(true)
		_, err := call(t.Context(), client, url, critical, "", customer)
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.Equal(t, rpc.ReasonRevocationsUnavailable, info(err).GetReason())
		_, err = call(t.Context(), client, url, plain, "", customer)
		require.NoError(t, err, "reads go on")
		_, err = call(t.Context(), client, url, critical, "")
		require.Equal(t, rpc.ReasonTokenMissing, info(err).GetReason(), "who may not call at all is told that")

		shop.Revocations.SetDeaf(false)
		_, err = call(t.Context(), client, url, critical, "", customer)
		require.NoError(t, err)
	}
}

func TestCriticalMethodsWaitForRevocations(t *testing.T) {
	shop := rpctest.New(t)
	options, err := rpc.Options(rpc.Config{
		Service: "test", Log: shop.Log, Clock: shop.Clock, Verifier: shop.Verifier, Revocations: shop.Revocations, Patience: time.Minute,
	})
	require.NoError(t, err)
	shop.Serve("test")(newHandler(t, whoami, whoamiStream, options...))
	client, url := shop.Client("test")
	critical := method{access: policyv1.Access_ACCESS_CUSTOMER, critical: true}
	for _, revoked := range []bool{false, true} {
		shop.Revocations.SetDeaf(true)
		answered := make(chan error, 1)
		go func() {
			_, err := call(t.Context(), client, url, critical, "", shop.As(identity.RoleCustomer, "c1"))
			answered <- err
		}()
		select {
		case err := <-answered:
			require.Fail(t, "it does not wait", "%v", err)
		case <-time.After(100 * time.Millisecond):
		}
		if revoked {
			shop.Revocations.Revoke("c1", "", time.Now())
		}
		shop.Revocations.SetDeaf(false)
		if err := <-answered; revoked {
			require.Equal(t, identity.ReasonTokenRevoked, info(err).GetReason(), "what was heard meanwhile counts")
		} else {
			require.NoError(t, err)
		}
	}
}

func info(err error) *errdetails.ErrorInfo {
	if details := detail[*errdetails.ErrorInfo](err); len(details) == 1 {
		return details[0]
	}
	return nil
}

// detail returns the details of one type.
func detail[T any](err error) (found []T) {
	var answer *connect.Error
	if !errors.As(err, &answer) {
		return nil
	}
	for _, d := range answer.Details() {
		if value, err := d.Value(); err == nil {
			if typed, ok := value.(T); ok {
				found = append(found, typed)
			}
		}
	}
	return found
}
