package user_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/identity"
)

func TestOthersCheckTokensWithTheServedKeys(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, session := s.register("ann@example.com")
	keys := identity.NewRemoteKeys(&http.Client{Transport: s.Resolver.Transport("user")}, s.Resolver.URL("user")+identity.JWKSPath,
		slog.New(slog.DiscardHandler), s.Clock)
	person, err := identity.NewVerifier(keys, s.Clock).Verify(session.GetAccessToken())
	require.NoError(t, err)
	require.Equal(t, identity.RoleCustomer, person.Role)
}
