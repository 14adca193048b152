package rpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

// replacing is a client whose requests have another body than the one that connect made, and other headers.
type replacing struct {
	connect.HTTPClient
	body   []byte
	header map[string]string
}

func (c replacing) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	changed, err := http.NewRequestWithContext(req.Context(), http.MethodPost, req.URL.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	changed.Header = req.Header.Clone()
	for name, value := range c.header {
		changed.Header.Set(name, value)
	}
	return c.HTTPClient.Do(changed)
}

// TestUnreadableRequestsHaveAReason sends what no handler can be given, as a message of each protocol.
func TestUnreadableRequestsHaveAReason(t *testing.T) {
	shop := rpctest.New(t)
	_, handler := newHandler(t, whoami, whoamiStream, shop.Options("test")...)
	client, url := network(t, rpc.Explain("test", handler))
	const (
		packed = 1
		cut    = 1000 // bytes that the envelope promises and that don't come
	)
	for name, request := range map[string]struct {
		binary, json []byte
		flags        byte
		missing      uint32
		code         connect.Code
		reason       string
	}{
		"not of the schema": {binary: []byte{0x0a, 0x09, 'a'}, json: []byte("{"), code: connect.CodeInvalidArgument, reason: rpc.ReasonRequestUnreadable},
		"another type":      {binary: []byte{0x0a, 0x02, 0xff, 0xfe}, json: []byte("[1]"), code: connect.CodeInvalidArgument, reason: rpc.ReasonRequestUnreadable},
		"too large": {
			binary: append([]byte{0x0a, 0x80, 0x80, 0x20}, make([]byte, 512<<10)...), json: []byte(`"` + strings.Repeat("x", 512<<10) + `"`),
			code: connect.CodeResourceExhausted, reason: rpc.ReasonRequestTooLarge,
		},
		"a bomb":        {binary: bomb(t, 64), json: bomb(t, 64), flags: packed, code: connect.CodeResourceExhausted, reason: rpc.ReasonRequestTooLarge},
		"not gzip":      {binary: []byte("no gzip"), json: []byte("no gzip"), flags: packed, code: connect.CodeInvalidArgument, reason: rpc.ReasonRequestUnreadable},
		"ends too soon": {binary: []byte{0x0a, 0x09, 'a'}, json: []byte(`"a`), missing: cut, code: connect.CodeInvalidArgument, reason: rpc.ReasonRequestUnreadable},
	} {
		for protocol, options := range protocols {
			for _, m := range public {
				t.Run(name+"/"+protocol+"/"+m.name(), func(t *testing.T) {
					body, header := request.binary, map[string]string{}
					if protocol == "connectJSON" {
						body = request.json
					}
					if protocol == "gRPC" || protocol == "gRPCWeb" || m.stream {
						envelope := binary.BigEndian.AppendUint32([]byte{request.flags}, uint32(len(body))+request.missing)
						body = append(envelope, body...)
						for _, encoding := range []string{"Grpc-Encoding", "Connect-Content-Encoding"} {
							header[encoding] = "gzip"
						}
					} else if request.flags == packed {
						header["Content-Encoding"] = "gzip"
					}
					_, err := call(t.Context(), replacing{client, body, header}, url, m, "", options...)
					require.Equal(t, request.code, connect.CodeOf(err), "%v", err)
					require.Equal(t, request.reason, info(err).GetReason(), "%v", err)
					require.Equal(t, "test.taproom", info(err).GetDomain())
				})
			}
		}
	}
}

func TestUnknownCompressionHasAReason(t *testing.T) {
	shop := rpctest.New(t)
	_, handler := newHandler(t, whoami, whoamiStream, shop.Options("test")...)
	client, url := network(t, rpc.Explain("test", handler))
	header := map[string]string{"Content-Encoding": "br", "Grpc-Encoding": "br", "Connect-Content-Encoding": "br"}
	for protocol, options := range protocols {
		for _, m := range public {
			_, err := call(t.Context(), replacing{client, []byte("x"), header}, url, m, "", options...)
			require.Equal(t, connect.CodeUnimplemented, connect.CodeOf(err), "%s %s %v", protocol, m.name(), err)
			require.Equal(t, rpc.ReasonRequestUnreadable, info(err).GetReason(), "%s %s", protocol, m.name())
			require.ErrorContains(t, err, "gzip", "it says what may be used")
		}
	}
}

// TestExplainLeavesTheRestAlone has answers pass through Explain as they were given.
func TestExplainLeavesTheRestAlone(t *testing.T) {
	shop := rpctest.New(t)
	unary, stream := failing(func(context.Context) error { return connect.NewError(connect.CodeInvalidArgument, errors.New("mine")) })
	_, handler := newHandler(t, unary, stream, shop.Options("test")...)
	client, url := network(t, rpc.Explain("test", handler))
	for protocol, options := range protocols {
		for _, m := range public {
			_, err := call(t.Context(), client, url, m, "", options...)
			require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err), protocol)
			require.ErrorContains(t, err, "mine")
			require.Nil(t, info(err))
		}
	}
	for contentType, status := range map[string]int{"text/plain": http.StatusUnsupportedMediaType, "application/json": http.StatusBadRequest} {
		answer, err := client.Post(url+public[0].procedure(), contentType, strings.NewReader("{"))
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, status, answer.StatusCode)
	}

	_, handler = newHandler(t, whoami, untilEnd, shop.Options("test")...)
	client, url = network(t, rpc.Explain("test", handler))
	for protocol, options := range protocols {
		c := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](client, url+public[1].procedure(), options...)
		open, err := c.CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("")))
		require.NoError(t, err)
		require.True(t, open.Receive(), "%s: messages of a stream come at once: %v", protocol, open.Err())
		_ = open.Close()
	}
}
