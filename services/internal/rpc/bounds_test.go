package rpc_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

// bomb returns gzip that unpacks to so many mebibytes of zeros and is about a thousandth as long.
func bomb(t *testing.T, mebibytes int) []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return bytes.Repeat(packed.Bytes(), mebibytes) // gzip files may be joined
}

func TestDecompressionBombsCostLittle(t *testing.T) {
	shop := rpctest.New(t)
	_, handler := newHandler(t, whoami, whoamiStream, shop.Options("test")...)
	client, url := network(t, handler)
	for name, mebibytes := range map[string]int{
		"a megabyte that unpacks to a gigabyte":           1024,
		"within the bound packed, 200 megabytes unpacked": 200,
		"four times the bound":                            1,
	} {
		t.Run(name, func(t *testing.T) {
			body := bomb(t, mebibytes)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+public[0].procedure(), bytes.NewReader(body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/proto")
			req.Header.Set("Content-Encoding", "gzip")
			answer, err := client.Do(req)
			require.NoError(t, err)
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
			require.Contains(t, string(text), "resource_exhausted")
			if len(body) <= rpc.MaxRequestBytes {
				require.Contains(t, string(text), "unpacks to more than is allowed", "it was not unpacked to its end")
			}
			require.Less(t, time.Since(begin), 5*time.Second)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20))
		})
	}
}

func TestMessagesUpToTheBoundAreTaken(t *testing.T) {
	shop := rpctest.New(t)
	shop.Serve("test")(newHandler(t, whoami, whoamiStream, shop.Options("test")...))
	client, url := shop.Client("test")
	fits := strings.Repeat("x", rpc.MaxRequestBytes-16)
	for protocol, options := range protocols {
		for _, m := range public {
			for _, packed := range []connect.ClientOption{connect.WithClientOptions(), connect.WithSendGzip()} {
				options := append([]connect.ClientOption{packed}, options...)
				_, err := call(t.Context(), client, url, m, fits, options...)
				require.NoError(t, err, "%s %s", protocol, m.name())
				_, err = call(t.Context(), client, url, m, fits+fits, options...)
				require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(err), "%s %s", protocol, m.name())
			}
		}
	}
}

func TestHandlersMayHaveAnotherBound(t *testing.T) {
	shop := rpctest.New(t)
	options := append(shop.Options("test"), rpc.WithMaxRequestBytes(1<<20))
	shop.Serve("test")(newHandler(t, whoami, whoamiStream, options...))
	client, url := shop.Client("test")
	_, err := call(t.Context(), client, url, public[0], strings.Repeat("x", 900<<10), connect.WithSendGzip())
	require.NoError(t, err)
	_, err = call(t.Context(), client, url, public[0], strings.Repeat("x", 2<<20), connect.WithSendGzip())
	require.Equal(t, connect.CodeResourceExhausted, connect.CodeOf(err))
}
