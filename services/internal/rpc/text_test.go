package rpc_test

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

type addresses struct {
	userv1connect.UnimplementedUserServiceHandler
	called bool
}

func (a *addresses) CreateAddress(context.Context, *userv1.CreateAddressRequest) (*userv1.CreateAddressResponse, error) {
	a.called = true
	return &userv1.CreateAddressResponse{}, nil
}

func TestTextWithNULIsRefused(t *testing.T) {
	shop := rpctest.New(t)
	handler := &addresses{}
	shop.Serve("user")(userv1connect.NewUserServiceHandler(handler, shop.Options("user")...))
	client, url := shop.Client("user")
	customer := userv1connect.NewUserServiceClient(client, url, shop.As(identity.RoleCustomer, "c"))
	address := &typev1.Address{Recipient: "Ada\x00", Street: "Quay 1", City: "Kiel", PostalCode: "24103", Country: "DE"}

	_, err := customer.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: address})
	require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
	require.Equal(t, rpc.ReasonValidationFailed, info(err).GetReason())
	require.ErrorContains(t, err, "address.recipient")
	require.False(t, handler.called)

	address.Recipient = "Ada"
	_, err = customer.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: address})
	require.NoError(t, err)
}
