package discovery_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/discovery"
)

func TestReachable(t *testing.T) {
	everywhere := &net.TCPAddr{IP: net.IPv4zero, Port: 8443}
	for _, c := range []struct {
		listener net.Addr
		consul   string
		want     string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 8443}, "http://127.0.0.1:8500", "127.0.0.2:8443"},
		{everywhere, "http://127.0.0.1:8500", "127.0.0.1:8443"},
		{everywhere, "127.0.0.1:8500", "127.0.0.1:8443"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 8443}, "https://127.0.0.1", "127.0.0.1:8443"},
	} {
		got, err := discovery.Reachable(t.Context(), c.listener, c.consul)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := discovery.Reachable(t.Context(), everywhere, "http://nowhere.invalid:8500")
	require.Error(t, err)
}
