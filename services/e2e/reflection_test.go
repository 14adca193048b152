package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	shippingv1 "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// Tools that know no schema ask the edge for it and then call, over HTTP/2 without TLS.
func TestReflection(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, "--courier-step-time=200ms")
	host := strings.TrimPrefix(shop.URL, "http://")
	type caller func(t *testing.T, token, method, data string) string
	buf := func(protocol string) caller {
		return func(t *testing.T, token, method, data string) string {
			return run(t, tool(t, "buf"), "curl", "--http2-prior-knowledge", "--protocol", protocol,
				"--header", "Authorization: Bearer "+token, "--data", data, shop.URL+"/"+method)
		}
	}
	grpcurl := func(t *testing.T, token, method, data string) string {
		return run(t, tool(t, "grpcurl"), "-plaintext", "-rpc-header", "Authorization: Bearer "+token, "-d", data, host, method)
	}
	for name, call := range map[string]caller{
		"buf curl Connect":  buf("connect"),
		"buf curl gRPC":     buf("grpc"),
		"buf curl gRPC-Web": buf("grpcweb"),
		"grpcurl":           grpcurl,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			customer := shop.Register(t)
			printed := call(t, customer.Token, "taproom.shipping.v1.ShippingService/ListShippingMethods", `{"country": "DE"}`)
			require.Contains(t, printed, `"id": "standard"`)

			beer := shop.NewBeer(t, shop.Login(t, shop.Staff), 1)
			customer.TopUp(t, 1000)
			order := customer.Order(t, beer.GetId(), 1, shoptest.Wallet())
			awaitShipment(t, customer, order)
			printed = call(t, customer.Token, "taproom.shipping.v1.ShippingService/TrackShipment", `{"orderId": "`+order.GetId()+`"}`)
			require.Contains(t, printed, "SHIPMENT_STATE_DELIVERED", "the stream ends after delivery")
			if !shoptest.Given() { // where the courier takes no time, nothing may change any more
				require.Greater(t, strings.Count(printed, `"shipment"`), 1, "the stream tells of each change: %s", printed)
			}
		})
	}
	t.Run("only what is public", func(t *testing.T) {
		services := run(t, tool(t, "grpcurl"), "-plaintext", host, "list")
		require.Contains(t, services, "taproom.order.v1.OrderService\n")
		require.NotContains(t, services, "taproom.order.v1.OrderStateService", "other services' business")
	})
}

func awaitShipment(t testing.TB, p *shoptest.Person, order *orderv1.Order) {
	require.Eventually(t, func() bool {
		_, err := p.Shipping.GetShipment(t.Context(), &shippingv1.GetShipmentRequest{OrderId: order.GetId()})
		return err == nil
	}, 60*time.Second, 20*time.Millisecond, "the order gets no shipment")
}

// tool finds one of the pinned tools, in TAPROOM_TOOLS or where `task tools` puts them.
func tool(t testing.TB, name string) string {
	dir := os.Getenv("TAPROOM_TOOLS")
	if dir == "" {
		dir = filepath.Join(root, "bin/tools")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "%s is not built; build it with: go tool task tools", name)
	return path
}

// run runs a program away from the repository's schema and answers what it printed.
func run(t *testing.T, path string, args ...string) string {
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = t.TempDir()
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return string(printed)
}
