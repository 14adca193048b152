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
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/edge/internal/answer"
	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// isCall tells calls of the API from pages: their paths begin with the full name of a proto service.
func isCall(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/taproom.") || strings.HasPrefix(r.URL.Path, "/grpc.")
}

// route is a method that the public may call.
type route struct {
	service    string // the service that answers, such as `cart`
	stream     bool
	repeatable bool // a call of it may be made twice
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
					stream := method.IsStreamingServer() || method.IsStreamingClient()
					out[path] = route{service: parts[1], stream: stream, repeatable: !stream && isRepeatable(method)}
				case policyv1.Access_ACCESS_SERVICE, policyv1.Access_ACCESS_UNSPECIFIED:
				}
			}
		}
		return true
	})
	return out
}

// isRepeatable reads what the schema says: the method is idempotent or has no side effects at all.
func isRepeatable(method protoreflect.MethodDescriptor) bool {
	options, ok := method.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
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

// handler hands each call to its service, and says whether another instance may be asked when one breaks off. What has
// no route is unimplemented, in the protocol of the call.
func (r routes) handler(backends Backends) http.Handler {
	handlers := make(map[string]http.Handler, len(r))
	for path, route := range r {
		handlers[path] = backends.Handler(route.service)
		if route.repeatable {
			handlers[path] = repeatable(handlers[path])
		}
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

func repeatable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(discovery.Repeatable(r.Context())))
	})
}
