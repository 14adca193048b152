package e2e_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// eventually is how long anything may take on a busy machine, and tick how often to look.
const (
	eventually = 30 * time.Second
	tick       = 10 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(shoptest.Main(m)) }

// sharedShop is one whose parcels wait for staff, so that a test decides when they leave, and whose slow card leaves time to
// change one's mind.
func sharedShop(t testing.TB) *shoptest.Shop {
	flags := append([]string{"--shipping-assembly-time=1h", "--payment-card-delay=1s"}, shoptest.CheapHashes...)
	return shoptest.Shared(t, flags...)
}

// rest is the state in which a paid order stays: in the shared shop the parcel waits for staff, in one that runs already,
// whose warehouse and courier take no time, it is delivered.
func rest() orderv1.OrderState {
	if shoptest.Given() {
		return orderv1.OrderState_ORDER_STATE_DELIVERED
	}
	return orderv1.OrderState_ORDER_STATE_ASSEMBLING
}

// awaitRest waits until the order is paid and stays as it is.
func awaitRest(t *testing.T, p *shoptest.Person, orderID string) *orderv1.Order {
	return p.Await(t, orderID, rest())
}

// http1 is how browsers speak to an origin without TLS.
func http1() *http.Client { return &http.Client{Transport: &http.Transport{}} }

// protocols are the ways to call the shop that every method must answer.
type protocol struct {
	name    string
	http    func() *http.Client
	options []connect.ClientOption
}

func protocols() []protocol {
	return []protocol{
		{"Connect JSON", http1, []connect.ClientOption{connect.WithProtoJSON()}},
		{"Connect binary", http1, nil},
		{"Connect GET", http1, []connect.ClientOption{connect.WithProtoJSON(), connect.WithHTTPGet()}},
		{"gRPC", shoptest.HTTP2, []connect.ClientOption{connect.WithGRPC()}},
		{"gRPC-Web", http1, []connect.ClientOption{connect.WithGRPCWeb()}},
	}
}

// requireRefused fails the test unless the shop refused with a code and a reason.
func requireRefused(t testing.TB, err error, code connect.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	got, _ := shoptest.Reason(err)
	require.Equal(t, code.String()+" "+reason, connect.CodeOf(err).String()+" "+got, "%v", err)
}
