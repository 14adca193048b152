package rpc_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
)

// testService is a proto service with one unary and one streaming method for each access level, so that the whole
// matrix can be tried, which no service of the shop has.
const testService = "taproom.test.v1.TestService"

// method names a method of testService.
type method struct {
	access   policyv1.Access
	critical bool
	stream   bool
}

func (m method) name() string {
	name := strings.TrimPrefix(m.access.String(), "ACCESS_")
	if m.critical {
		name += "_CRITICAL"
	}
	if m.stream {
		name += "_STREAM"
	}
	return name
}

func (m method) procedure() string { return "/" + testService + "/" + m.name() }

func allMethods() []method {
	var methods []method
	for _, stream := range []bool{false, true} {
		for access := range policyv1.Access_name {
			methods = append(methods, method{access: policyv1.Access(access), stream: stream})
		}
		methods = append(methods, method{access: policyv1.Access_ACCESS_CUSTOMER, critical: true, stream: stream})
	}
	return methods
}

// schema describes testService as generated code would.
func schema(t testing.TB) protoreflect.MethodDescriptors {
	service := &descriptorpb.ServiceDescriptorProto{Name: proto.String("TestService")}
	for _, m := range allMethods() {
		options := &descriptorpb.MethodOptions{}
		if m.access != policyv1.Access_ACCESS_UNSPECIFIED {
			proto.SetExtension(options, policyv1.E_Access, m.access)
		}
		if m.critical {
			proto.SetExtension(options, policyv1.E_Critical, true)
		}
		service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
			Name:            proto.String(m.name()),
			InputType:       proto.String(".google.protobuf.StringValue"),
			OutputType:      proto.String(".google.protobuf.StringValue"),
			ServerStreaming: proto.Bool(m.stream),
			Options:         options,
		})
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:       proto.String("taproom/test/v1/test.proto"),
		Package:    proto.String("taproom.test.v1"),
		Syntax:     proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto", "taproom/policy/v1/policy.proto"},
		Service:    []*descriptorpb.ServiceDescriptorProto{service},
	}, protoregistry.GlobalFiles)
	require.NoError(t, err)
	return file.Services().Get(0).Methods()
}

type (
	unaryFunc  func(ctx context.Context, req *wrapperspb.StringValue) (*wrapperspb.StringValue, error)
	streamFunc func(ctx context.Context, req *wrapperspb.StringValue, stream *connect.ServerStream[wrapperspb.StringValue]) error
)

// newHandler serves every method of testService by the two functions.
func newHandler(t testing.TB, unary unaryFunc, stream streamFunc, options ...connect.HandlerOption) (string, http.Handler) {
	mux, methods := http.NewServeMux(), schema(t)
	for _, m := range allMethods() {
		options := append([]connect.HandlerOption{connect.WithSchema(methods.ByName(protoreflect.Name(m.name())))}, options...)
		if m.stream {
			mux.Handle(m.procedure(), connect.NewServerStreamHandlerSimple(m.procedure(), stream, options...))
		} else {
			mux.Handle(m.procedure(), connect.NewUnaryHandlerSimple(m.procedure(), unary, options...))
		}
	}
	return "/" + testService + "/", mux
}

// call calls a method and returns the first answer.
func call(ctx context.Context, client connect.HTTPClient, url string, m method, text string, options ...connect.ClientOption) (string, error) {
	c := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](client, url+m.procedure(), options...)
	req := connect.NewRequest(wrapperspb.String(text))
	if !m.stream {
		answer, err := c.CallUnary(ctx, req)
		if err != nil {
			return "", err
		}
		return answer.Msg.GetValue(), nil
	}
	stream, err := c.CallServerStream(ctx, req)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	first := ""
	for stream.Receive() {
		if first == "" {
			first = stream.Msg().GetValue()
		}
	}
	return first, stream.Err()
}
