package consultest_test

import (
	"testing"

	consulapi "github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/consultest"
)

func TestServicesAreKeptApart(t *testing.T) {
	agent := consultest.Start(t)
	order := agent.Service(t, "order")
	register := func(name string) error {
		return order.Agent().ServiceRegister(&consulapi.AgentServiceRegistration{Name: name})
	}
	require.NoError(t, register("order"))
	require.ErrorContains(t, register("payment"), "403")
	agent.Kill(t)
	require.Error(t, register("order"))
	agent.Restart(t)
	require.NoError(t, register("order"), "the token is still known")
}
