package rpc_test

import (
	"context"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

var watch = method{access: policyv1.Access_ACCESS_GUEST, stream: true}

// untilEnd streams one message and then waits for the end, as handlers of long streams do.
func untilEnd(ctx context.Context, _ *wrapperspb.StringValue, stream *connect.ServerStream[wrapperspb.StringValue]) error {
	if err := stream.Send(wrapperspb.String("here")); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// open begins a stream and waits for its first message.
func open(t *testing.T, shop *rpctest.Shop, options ...connect.ClientOption) *connect.ServerStreamForClient[wrapperspb.StringValue] {
	client, url := shop.Client("test")
	c := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](client, url+watch.procedure(), options...)
	stream, err := c.CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("")))
	require.NoError(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	require.True(t, stream.Receive(), "%v", stream.Err())
	return stream
}

func TestStreamsEndWithTheirSession(t *testing.T) {
	for protocol, options := range protocols {
		t.Run(protocol, func(t *testing.T) {
			shop := rpctest.New(t)
			shop.Serve("test")(newHandler(t, whoami, untilEnd, shop.Options("test")...))
			mine := open(t, shop, append([]connect.ClientOption{shop.As(identity.RoleCustomer, "c1")}, options...)...)
			others := open(t, shop, append([]connect.ClientOption{shop.As(identity.RoleCustomer, "c2")}, options...)...)

			shop.Revocations.Revoke("c1", "session-c1", time.Now())
			require.False(t, mine.Receive())
			require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(mine.Err()))
			require.Equal(t, identity.ReasonTokenRevoked, info(mine.Err()).GetReason())

			shop.Revocations.Revoke("c2", "", time.Now())
			require.False(t, others.Receive())
			require.Equal(t, identity.ReasonTokenRevoked, info(others.Err()).GetReason())
		})
	}
}

func TestStreamsEndWithTheirToken(t *testing.T) {
	shop := rpctest.New(t)
	shop.Serve("test")(newHandler(t, whoami, untilEnd, shop.Options("test")...))
	token, err := identity.NewSigner(shop.Keys.People, identity.PeopleIssuer, time.Now).
		Issue(identity.Principal{ID: "c1", Role: identity.RoleCustomer}, 1100*time.Millisecond)
	require.NoError(t, err)
	stream := open(t, shop, rpctest.Bearer(token))
	require.False(t, stream.Receive())
	require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(stream.Err()))
	require.Equal(t, identity.ReasonTokenExpired, info(stream.Err()).GetReason())
}

func TestStreamsForAPersonEndWithThatPersonsSession(t *testing.T) {
	shop := rpctest.New(t, "test", "storefront")
	shop.Serve("test")(newHandler(t, whoami, untilEnd, shop.Options("test")...))
	service, err := identity.NewServiceIdentity("storefront", shop.Keys.Services["storefront"], shop.Clock).Token()
	require.NoError(t, err)
	stream := open(t, shop, rpctest.Bearer(service), rpctest.Header(rpc.CustomerHeader, shop.Token(identity.RoleGuest, "g1")))
	shop.Revocations.Revoke("g1", "", time.Now())
	require.False(t, stream.Receive())
	require.Equal(t, identity.ReasonTokenRevoked, info(stream.Err()).GetReason())
}
