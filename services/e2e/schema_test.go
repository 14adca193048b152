package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/emptypb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

// method is a method of the shop's schema.
type method struct{ protoreflect.MethodDescriptor }

// methods are all of them.
func methods() []method {
	var all []method
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "taproom.") {
			return true
		}
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				all = append(all, method{file.Services().Get(i).Methods().Get(j)})
			}
		}
		return true
	})
	return all
}

func (m method) procedure() string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

func (m method) access() policyv1.Access {
	access, _ := proto.GetExtension(m.Options(), policyv1.E_Access).(policyv1.Access)
	return access
}

func (m method) public() bool {
	return m.access() != policyv1.Access_ACCESS_SERVICE && m.access() != policyv1.Access_ACCESS_UNSPECIFIED
}

func (m method) readsOnly() bool {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	return options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}

// field is a field of the method's request; nil when it has none of this name.
func (m method) field(name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Input().Fields().ByName(name)
}

// callEmpty calls the method with an empty request. Answers are not looked at: errors come before them.
func (m method) callEmpty(ctx context.Context, client *http.Client, shop *shoptest.Shop, token string, options ...connect.ClientOption) error {
	c := connect.NewClient[emptypb.Empty, emptypb.Empty](client, shop.URL+m.procedure(), options...)
	req := connect.NewRequest(&emptypb.Empty{})
	if token != "" {
		req.Header().Set("Authorization", "Bearer "+token)
	}
	if !m.IsStreamingServer() {
		_, err := c.CallUnary(ctx, req)
		return err
	}
	stream, err := c.CallServerStream(ctx, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	if stream.Receive() {
		return nil
	}
	return stream.Err()
}

func TestEveryMethodSaysWhoMayCallIt(t *testing.T) {
	require.NotEmpty(t, methods())
	for _, m := range methods() {
		require.NotEqual(t, policyv1.Access_ACCESS_UNSPECIFIED, m.access(), m.FullName())
	}
}

func TestMethodsThatReadHaveNoSideEffects(t *testing.T) {
	reading := []string{"Get", "List", "BatchGet", "Search", "Watch", "Track", "Subscribe", "Quote", "Check", "Count"}
	for _, m := range methods() {
		reads := false
		for _, verb := range reading {
			reads = reads || strings.HasPrefix(string(m.Name()), verb)
		}
		require.Equal(t, reads, m.readsOnly(), "%s: its name says whether it changes anything, its option too", m.FullName())
	}
}

// What the edge tells of itself is the public part of the schema that these tests know: a service that is missing here would
// go untested.
func TestReflectionShowsThePublicServices(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	public := make(map[protoreflect.FullName]bool)
	for _, m := range methods() {
		if m.public() {
			public[m.Parent().FullName()] = true
		}
	}
	stream := grpcreflect.NewClient(shoptest.HTTP2(), shop.URL, connect.WithGRPC()).NewStream(t.Context())
	defer stream.Close()
	names, err := stream.ListServices()
	require.NoError(t, err)
	shown := make(map[protoreflect.FullName]bool)
	for _, name := range names {
		if strings.HasPrefix(string(name), "taproom.") {
			shown[name] = true
		}
	}
	require.Equal(t, public, shown)
}

func TestMethodsForServicesAreNotThereForThePublic(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	staff := shop.Login(t, shop.Staff)
	for _, p := range protocols() {
		client, found := p.http(), 0
		for _, m := range methods() {
			if m.public() {
				continue
			}
			found++
			for _, token := range []string{"", staff.Token} {
				requireRefused(t, m.callEmpty(t.Context(), client, shop, token, p.options...), connect.CodeUnimplemented, "METHOD_NOT_FOUND")
			}
		}
		require.NotZero(t, found)
	}
}
