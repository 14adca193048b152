// Package observe_test looks at a running shop as those do who run it: at its traces, metrics and logs.
package observe_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const (
	eventually = 60 * time.Second
	tick       = 20 * time.Millisecond
)

func TestMain(m *testing.M) { os.Exit(shoptest.Main(m)) }

// span is a span as it reached the collector.
type span struct {
	service string
	*tracev1.Span
}

// receiver is an OpenTelemetry collector that takes traces by OTLP over HTTP and keeps them.
type receiver struct {
	mu    sync.Mutex
	spans []span
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span{service, s})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	answer, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
	_, _ = w.Write(answer)
}

// trace returns the spans of a trace by their ids.
func (c *receiver) trace(id string) map[string]span {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make(map[string]span)
	for _, s := range c.spans {
		if hex.EncodeToString(s.GetTraceId()) == id {
			found[hex.EncodeToString(s.GetSpanId())] = s
		}
	}
	return found
}

// observed starts a shop that tells everything, and returns what listens to it and its internal address.
func observed(t *testing.T, flags ...string) (*shoptest.Shop, *receiver, string) {
	t.Helper()
	c := &receiver{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	internal := listener.Addr().String()
	require.NoError(t, listener.Close())
	shop := shoptest.Start(t, append(append(flags, shoptest.CheapHashes...), "--internal-listen="+internal)...)
	return shop, c, "http://" + internal
}

// within makes the call of a client that is in a trace.
func within(ctx context.Context, parent string) context.Context {
	ctx, call := connect.NewClientContext(ctx)
	call.RequestHeader().Set("Traceparent", parent)
	return ctx
}

func TestAnOrderIsOneTrace(t *testing.T) {
	shop, collected, _ := observed(t, "--trace-ratio=1", "--log-format=json", "--log-level=info,order=debug")
	beer := shop.NewBeer(t, shop.Login(t, shop.Staff), 100)
	payments := map[string]func(*shoptest.Person) *orderv1.PaymentMethod{
		"by wallet": func(p *shoptest.Person) *orderv1.PaymentMethod {
			p.TopUp(t, 10_000)
			return shoptest.Wallet()
		},
		"by card": func(p *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Card(p.SaveCard(t, shoptest.GoodCard))
		},
	}
	t.Run("orders", func(t *testing.T) { // many at once, so that consumers handle several together
		for range 6 {
			for name, payment := range payments {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					customer := shop.Register(t)
					request := customer.Checkout(t, customer.Put(t, beer.GetId(), 2), customer.SaveAddress(t), payment(customer))
					id := strings.ReplaceAll(shoptest.NewID(), "-", "")
					placed, err := customer.Orders.PlaceOrder(within(t.Context(), "00-"+id+"-"+click+"-00"), request)
					require.NoError(t, err)
					customer.Await(t, placed.GetOrder().GetId(), orderv1.OrderState_ORDER_STATE_DELIVERED)
					requireOneTrace(t, collected, id)
				})
			}
		}
	})
	t.Run("logs", func(t *testing.T) {
		for _, line := range shop.Lines() {
			if !strings.HasPrefix(line, "{") {
				continue
			}
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &fields), line)
			require.NotEmpty(t, fields["service"], line)
			require.True(t, fields["level"] != "DEBUG" || fields["service"] == "order", line)
		}
	})
}

// click is the span that the browser begins with.
const click = "b7ad6b7169203331"

// requireOneTrace waits until a trace tells of an order from the call to the delivery, each span below another or the click.
func requireOneTrace(t *testing.T, collected *receiver, id string) {
	t.Helper()
	wanted := []string{
		"edge: edge /taproom.order.v1.OrderService/PlaceOrder",
		"order: taproom.order.v1.OrderService/PlaceOrder",
		"inventory: inventory-orders OrderPlaced",
		"payment: payment-orders OrderPlaced",
		"order: order-inventory InventoryReserved",
		"order: order-payments PaymentAuthorized",
		"payment: payment-orders OrderConfirmed",
		"order: order-payments PaymentCaptured",
		"shipping: shipping-orders OrderPaid",
		"courier: courier-packages PackageReady",
		"shipping: taproom.shipping.v1.ShippingCourierService/HandOver",
		"shipping: shipping-courier CourierDelivered",
		"order: order-shipments ShipmentDelivered",
		"notification: notification-orders OrderProgressed",
		"cart: cart-carts CartEvent",
	}
	var missing []string
	var spans map[string]span
	require.Eventually(t, func() bool {
		spans = collected.trace(id)
		told := make(map[string]bool)
		for _, s := range spans {
			told[s.service+": "+s.GetName()] = true
			if parent := hex.EncodeToString(s.GetParentSpanId()); parent != click && spans[parent].Span == nil {
				told["an unknown parent of "+s.GetName()] = true
			}
		}
		missing = slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return told[name] })
		for name := range told {
			if strings.HasPrefix(name, "an unknown") {
				missing = append(missing, name)
			}
		}
		return len(missing) == 0
	}, eventually, tick, "missing: %v, of\n%v", lazy(func() string { return strings.Join(missing, ", ") }), lazy(func() string { return tree(spans) }))
}

func TestNobodyOutsideHasTheirCallsTraced(t *testing.T) {
	shop, collected, _ := observed(t, "--trace-ratio=0")
	const forced = "2bf7651916cd43dd8448eb211c80319c"
	customer := shop.Register(t)
	_, err := customer.Orders.ListOrders(within(t.Context(), "00-"+forced+"-b7ad6b7169203331-01"), &orderv1.ListOrdersRequest{})
	require.NoError(t, err)
	shop.Stop(t) // what was held is written out
	require.Empty(t, collected.trace(forced))
}

// lazy is a text that is made when it is needed.
type lazy func() string

func (l lazy) String() string { return l() }

func tree(spans map[string]span) string {
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(spans)) {
		s := spans[id]
		lines = append(lines, id+" < "+hex.EncodeToString(s.GetParentSpanId())+" "+s.service+": "+s.GetName())
	}
	return strings.Join(lines, "\n")
}
