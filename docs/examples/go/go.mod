module example.com/taproom-client

go 1.26.0

toolchain go1.26.9

require (
	connectrpc.com/connect v1.21.1
	github.com/google/uuid v1.6.0
	github.com/taproom-shop/taproom/gen v0.0.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260819154853-08b0e4226688
)

require (
	buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go v1.36.12-20260825204119-511051f7f437.1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

// Leave this out in a repository of your own, and `go get` the module instead.
replace github.com/taproom-shop/taproom/gen => ../../../gen
