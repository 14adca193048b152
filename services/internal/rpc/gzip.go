package rpc

import (
	"compress/gzip"
	"errors"
	"io"

	"connectrpc.com/connect"
)

// errTooLarge ends the decompression of a message at its bound.
var errTooLarge = errors.New("the message unpacks to more than is allowed")

// WithMaxRequestBytes bounds request messages to limit bytes, for handlers that need another bound than MaxRequestBytes.
// connect keeps no more than that in memory, but unpacks a compressed message to its end to tell its size: a
// megabyte of gzip would cost seconds of processor time. Here unpacking stops at the bound.
func WithMaxRequestBytes(limit int) connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithReadMaxBytes(limit),
		connect.WithCompression("gzip",
			func() connect.Decompressor { return &boundedGzip{limit: int64(limit) + 1} },
			func() connect.Compressor { return gzip.NewWriter(io.Discard) },
		),
	)
}

// boundedGzip unpacks at most limit bytes of each message; the next read fails.
type boundedGzip struct {
	gzip.Reader
	limit, left int64
}

// Reset implements connect.Decompressor.
func (g *boundedGzip) Reset(src io.Reader) error {
	g.left = g.limit
	return g.Reader.Reset(src)
}

// Read implements connect.Decompressor.
func (g *boundedGzip) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errTooLarge
	}
	n, err := g.Reader.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, err
}
