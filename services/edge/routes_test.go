package edge_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
)

// methods are all methods of the shop's schema, by path, and whether the public may call them.
func methods() map[string]bool {
	out := make(map[string]bool)
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if access, _ := proto.GetExtension(method.Options(), policyv1.E_Access).(policyv1.Access); strings.HasPrefix(string(service.FullName()), "taproom.") {
					out["/"+string(service.FullName())+"/"+string(method.Name())] = access != policyv1.Access_ACCESS_SERVICE
				}
			}
		}
		return true
	})
	return out
}

func TestOnlyPublicMethodsAreRouted(t *testing.T) {
	b := &backends{}
	url := serve(t, newEdge(t, open(), b))
	client := h2c(t)
	hidden := []string{
		"/taproom.order.v1.OrderService/Nothing", "/taproom.nothing.v1.NothingService/Get", "/taproom.order.v1.OrderService/PlaceOrder/", "/taproom.",
		"/grpc.health.v1.Health/Check", "/taproom.order.v1.orderservice/placeorder",
	}
	public := 0
	for path, isPublic := range methods() {
		if !isPublic {
			hidden = append(hidden, path)
			continue
		}
		public++
		res, err := client.Post(url+path, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Equal(t, path, b.last(t).path)
		require.Equal(t, strings.Split(path, ".")[1], b.last(t).service)
	}
	require.Greater(t, public, 40)
	require.Greater(t, len(hidden), 10, "there are methods for services alone")
	reached := b.count()
	for _, path := range hidden {
		for name, options := range map[string][]connect.ClientOption{
			"connect": {connect.WithProtoJSON()}, "connect binary": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
		} {
			_, err := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+path, options...).
				CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
			requireFault(t, err, connect.CodeUnimplemented, "METHOD_NOT_FOUND", path, name)
		}
		stream, err := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+path).CallServerStream(t.Context(), connect.NewRequest(&emptypb.Empty{}))
		require.NoError(t, err)
		require.False(t, stream.Receive())
		requireFault(t, stream.Err(), connect.CodeUnimplemented, "METHOD_NOT_FOUND")
		require.NoError(t, stream.Close())
	}
	// Paths that become a hidden method once somebody cleans them up.
	handler := newEdge(t, open(), b)
	for _, path := range []string{
		"//taproom.order.v1.OrderStateService/CloseCheckouts", "/pictures/../taproom.order.v1.OrderStateService/CloseCheckouts",
		"/taproom.order.v1.OrderService/../taproom.order.v1.OrderStateService/CloseCheckouts", "/taproom.order.v1.OrderStateService%2FCloseCheckouts",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}")))
		require.NotEqual(t, http.StatusOK, w.Code, path)
	}
	require.Equal(t, reached, b.count(), "nothing hidden reached a service")
}

func TestPlainHandlersOfServices(t *testing.T) {
	b := &backends{}
	handler := newEdge(t, open(), b)
	for path, service := range map[string]string{"/pictures/beer/hash.svg": "catalog", "/webhooks/cards": "payment"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}")))
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, service, b.last(t).service)
	}
}

func TestReflectionListsPublicServices(t *testing.T) {
	url := serve(t, newEdge(t, open(), &backends{}))
	stream := grpcreflect.NewClient(h2c(t), url, connect.WithGRPC()).NewStream(t.Context())
	names, err := stream.ListServices()
	require.NoError(t, err)
	_, err = stream.Close()
	require.NoError(t, err)
	var got, want []string
	for _, name := range names {
		got = append(got, string(name))
	}
	for path, isPublic := range methods() {
		if isPublic {
			want = append(want, path[1:strings.LastIndexByte(path, '/')])
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(t, slices.Compact(want), got)
	require.NotContains(t, got, "taproom.order.v1.OrderStateService")

	cfg := open()
	cfg.Reflection = false
	off := serve(t, newEdge(t, cfg, &backends{}))
	stream = grpcreflect.NewClient(h2c(t), off, connect.WithGRPC()).NewStream(t.Context())
	_, err = stream.ListServices()
	requireFault(t, err, connect.CodeUnimplemented, "METHOD_NOT_FOUND")
	_, _ = stream.Close()
}

func TestABackendThatPanicsDoesNotTakeTheEdgeDown(t *testing.T) {
	b := &backends{}
	url := serve(t, newEdge(t, open(), b))
	client := h2c(t)
	call := func() error {
		_, err := connect.NewClient[emptypb.Empty, emptypb.Empty](client, url+publicMethod, connect.WithGRPC()).
			CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
		return err
	}
	b.answer = func(http.ResponseWriter, *http.Request) { panic("secret") }
	err := call()
	require.Equal(t, connect.CodeInternal, connect.CodeOf(err))
	require.NotContains(t, err.Error(), "secret")
	res, err := client.Get(url + "/pictures/beer/hash.svg")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusInternalServerError, res.StatusCode)

	b.answer = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half of it"))
		http.NewResponseController(w).Flush()
		panic("secret")
	}
	require.Error(t, call(), "what has begun is broken off")
	b.answer = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/grpc") }
	require.NotEqual(t, connect.CodeUnavailable, connect.CodeOf(call()), "it answers again")
	res, err = client.Get(url + "/config.json")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}
