package edge

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/edge/internal/answer"
)

// isCall tells calls of the API from pages: their paths begin with the full name of a proto service.
func isCall(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/taproom.") || strings.HasPrefix(r.URL.Path, "/grpc.")
}

// route is a method that the public may call.
type route struct {
	service string // the service that answers, such as `cart`
	stream  bool
}

// routes are the public methods by path, such as `/taproom.cart.v1.CartQueryService/GetCart`.
type routes map[string]route

// publicRoutes reads the schema. A method for services only, or without a policy, has no route.
func publicRoutes() routes {
	out := make(routes)
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		parts := strings.Split(string(file.Package()), ".") // taproom.<name>.v1
		if len(parts) != 3 || parts[0] != "taproom" {
			return true
		}
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				method := file.Services().Get(i).Methods().Get(j)
				access, _ := proto.GetExtension(method.Options(), policyv1.E_Access).(policyv1.Access)
				switch access {
				case policyv1.Access_ACCESS_PUBLIC, policyv1.Access_ACCESS_GUEST, policyv1.Access_ACCESS_CUSTOMER, policyv1.Access_ACCESS_STAFF:
					path := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
					out[path] = route{service: parts[1], stream: method.IsStreamingServer() || method.IsStreamingClient()}
				case policyv1.Access_ACCESS_SERVICE, policyv1.Access_ACCESS_UNSPECIFIED:
				}
			}
		}
		return true
	})
	return out
}

// services returns the full names of the proto services with public methods.
func (r routes) services() []string {
	names := make(map[string]bool)
	for path := range r {
		names[path[1:strings.LastIndexByte(path, '/')]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// streams reports whether the call stays open: those of the schema that say so, and reflection.
func (r routes) streams(req *http.Request) bool {
	return r[req.URL.Path].stream || strings.HasPrefix(req.URL.Path, "/grpc.reflection.")
}

// handler hands each call to its service. What has no route is unimplemented, in the protocol of the call.
func (r routes) handler(backends Backends) http.Handler {
	handlers := make(map[string]http.Handler, len(r))
	for path, route := range r {
		handlers[path] = backends.Handler(route.service)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handler, ok := handlers[req.URL.Path]
		if !ok {
			answer.Error(w, req, connect.CodeUnimplemented, "METHOD_NOT_FOUND", "there is no public method "+req.URL.Path+"; /api-docs/ lists them")
			return
		}
		handler.ServeHTTP(w, req)
	})
}
