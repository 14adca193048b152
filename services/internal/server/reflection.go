package server

import (
	"net/http"

	"connectrpc.com/grpcreflect"
)

// MountReflection lets tools such as grpcurl and buf curl ask mux for the schema of the proto services named, in both
// versions of the protocol that are in use.
func MountReflection(mux *http.ServeMux, protoServices ...string) {
	reflector := grpcreflect.NewStaticReflector(protoServices...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector))
}
