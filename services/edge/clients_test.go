package edge_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// post calls a public method from an address.
func post(path, from string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	r.RemoteAddr = from
	r.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestClientsAreToldByTheirAddress(t *testing.T) {
	for _, test := range []struct {
		name, from, want string
		headers, proxies []string
	}{
		{name: "IPv4", from: "203.0.113.9:4711", want: "203.0.113.9"},
		{name: "IPv6", from: "[2001:db8::9]:4711", want: "2001:db8::9"},
		{name: "IPv4 in IPv6", from: "[::ffff:203.0.113.9]:4711", want: "203.0.113.9"},
		{name: "IPv6 with a zone", from: "[fe80::9%eth0]:4711", want: "fe80::9"},
		{name: "nobody is trusted by default", from: "127.0.0.1:4711", headers: []string{"X-Forwarded-For: 203.0.113.9"}, want: "127.0.0.1"},
		{name: "a stranger's header", from: "203.0.113.9:4711", headers: []string{"X-Forwarded-For: 198.51.100.1"}, proxies: []string{"10.0.0.0/8"}, want: "203.0.113.9"},
		{name: "a proxy", from: "10.1.2.3:4711", headers: []string{"X-Forwarded-For: 203.0.113.9"}, proxies: []string{"10.0.0.0/8"}, want: "203.0.113.9"},
		{name: "made up further left", from: "10.1.2.3:4711", headers: []string{"X-Forwarded-For: 1.1.1.1, 203.0.113.9"}, proxies: []string{"10.0.0.0/8"}, want: "203.0.113.9"},
		{name: "two proxies", from: "10.1.2.3:4711", headers: []string{"X-Forwarded-For: 1.1.1.1, 203.0.113.9,10.9.9.9"}, proxies: []string{"10.0.0.0/8"}, want: "203.0.113.9"},
		{name: "two headers", from: "10.1.2.3:4711", headers: []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.9.9.9"}, proxies: []string{"10.0.0.0/8"}, want: "203.0.113.9"},
		{name: "an IPv6 proxy", from: "[2001:db8::1]:4711", headers: []string{"X-Forwarded-For: 2001:db8:1::7"}, proxies: []string{"2001:db8::1"}, want: "2001:db8:1::7"},
		{name: "a proxy on a dual socket", from: "[::ffff:10.1.2.3]:4711", headers: []string{"X-Forwarded-For: ::ffff:203.0.113.9"}, proxies: []string{"::ffff:10.1.2.3"}, want: "203.0.113.9"},
		{name: "no address", from: "10.1.2.3:4711", headers: []string{"X-Forwarded-For: unknown"}, proxies: []string{"10.0.0.0/8"}, want: "10.1.2.3"},
		{name: "no header", from: "10.1.2.3:4711", proxies: []string{"10.0.0.0/8"}, want: "10.1.2.3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &backends{}
			cfg := open()
			cfg.TrustedProxies = test.proxies
			newEdge(t, cfg, b).ServeHTTP(httptest.NewRecorder(), post(publicMethod, test.from, test.headers...))
			require.Equal(t, []string{test.want}, b.last(t).header.Values(edge.ClientAddressHeader))
			require.Empty(t, b.last(t).header.Values("X-Forwarded-For"))
		})
	}
}

func TestHeadersOfTheShopAreDroppedFromOutside(t *testing.T) {
	b := &backends{}
	url := serve(t, newEdge(t, open(), b))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	for _, path := range []string{publicMethod, "/pictures/a/b.svg", "/webhooks/cards"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+path, strings.NewReader("{}"))
		require.NoError(t, err)
		req.Header["taproom-customer"] = []string{"token"}
		req.Header["TAPROOM-Anything"] = []string{"x"}
		req.Header.Add("Taproom-Client-Ip", "1.1.1.1")
		req.Header.Add("X-Forwarded-Host", "evil.example")
		req.Header.Add("X-Forwarded-Proto", "https")
		req.Header.Add("X-Forwarded-Prefix", "/x")
		req.Header.Add("Forwarded", "for=1.1.1.1;host=evil.example;proto=https")
		req.Header.Add("Authorization", "Bearer token")
		res, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		got := b.last(t).header
		for name, values := range got {
			switch name {
			case "Taproom-Client-Ip":
				require.Equal(t, []string{"127.0.0.1"}, values)
			case "X-Forwarded-Host":
				require.Equal(t, []string{strings.TrimPrefix(url, "http://")}, values)
			case "X-Forwarded-Proto":
				require.Equal(t, []string{"http"}, values)
			default:
				require.False(t, strings.HasPrefix(name, "Taproom-") || strings.Contains(name, "Forwarded"), name)
			}
		}
		require.Equal(t, "Bearer token", got.Get("Authorization"))
	}
}

func TestHostAndProtocolComeFromTrustedProxiesAlone(t *testing.T) {
	for _, test := range []struct {
		name, from, host, proto string
		headers                 []string
		tls                     bool
	}{
		{name: "direct", from: "203.0.113.9:1", host: "example.com", proto: "http"},
		{name: "direct by TLS", from: "203.0.113.9:1", tls: true, host: "example.com", proto: "https"},
		{name: "a stranger's", from: "203.0.113.9:1", headers: []string{"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https"}, host: "example.com", proto: "http"},
		{name: "a proxy's", from: "10.0.0.7:1", headers: []string{"X-Forwarded-Host: beer.example", "X-Forwarded-Proto: HTTPS"}, host: "beer.example", proto: "https"},
		{name: "a proxy that adds to what a stranger sent", from: "10.0.0.7:1", headers: []string{"X-Forwarded-Host: evil.example, beer.example", "X-Forwarded-Proto: http", "X-Forwarded-Proto: https"}, host: "beer.example", proto: "https"},
		{name: "nonsense", from: "10.0.0.7:1", headers: []string{"X-Forwarded-Proto: gopher"}, host: "example.com", proto: "http"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &backends{}
			cfg := open()
			cfg.TrustedProxies = []string{"10.0.0.7"}
			r := post(publicMethod, test.from, test.headers...)
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			newEdge(t, cfg, b).ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, []string{test.host}, b.last(t).header.Values("X-Forwarded-Host"))
			require.Equal(t, []string{test.proto}, b.last(t).header.Values("X-Forwarded-Proto"))
		})
	}
}

func TestCallsAreLimitedByAddress(t *testing.T) {
	b := &backends{}
	cfg := open()
	cfg.Rate, cfg.Burst = 0.0001, 3
	handler := newEdge(t, cfg, b)
	call := func(path, from string, headers ...string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, post(path, from, headers...))
		return w
	}
	for range 3 {
		require.Equal(t, http.StatusOK, call(publicMethod, "203.0.113.9:1").Code)
	}
	refused := call(publicMethod, "203.0.113.9:2", "X-Forwarded-For: 1.1.1.1", "Taproom-Client-Ip: 1.1.1.1")
	require.Equal(t, http.StatusTooManyRequests, refused.Code)
	require.Contains(t, refused.Body.String(), `"resource_exhausted"`)
	require.NotEmpty(t, refused.Header().Get("Retry-After"))
	require.Equal(t, "no-store", refused.Header().Get("Cache-Control"))
	require.Equal(t, http.StatusTooManyRequests, call("/taproom.order.v1.OrderService/Nothing", "203.0.113.9:2").Code, "guessing counts")
	require.Equal(t, http.StatusOK, call(publicMethod, "203.0.113.10:1").Code, "others go on")
	w := httptest.NewRecorder()
	page := httptest.NewRequest(http.MethodGet, "/", nil)
	page.RemoteAddr = "203.0.113.9:3"
	handler.ServeHTTP(w, page)
	require.Equal(t, http.StatusOK, w.Code, "pages are not calls")

	for _, from := range []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::ffff:1:2:3]:1"} {
		require.Equal(t, http.StatusOK, call(publicMethod, from).Code)
	}
	require.Equal(t, http.StatusTooManyRequests, call(publicMethod, "[2001:db8::4]:1").Code, "one network is one client")
	require.Equal(t, http.StatusOK, call(publicMethod, "[2001:db8:0:1::1]:1").Code)
}

func TestOpenStreamsAreLimitedByAddress(t *testing.T) {
	begun := make(chan struct{}, 10)
	end := make(chan struct{})
	b := &backends{answer: func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == streamMethod {
			begun <- struct{}{}
			<-end
		}
	}}
	cfg := open()
	cfg.Streams = 2
	handler := newEdge(t, cfg, b)
	call := func(path, from string) int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, post(path, from))
		return w.Code
	}
	ended := make(chan int, 3)
	for range 2 {
		go func() { ended <- call(streamMethod, "203.0.113.9:1") }()
		<-begun
	}
	require.Equal(t, http.StatusTooManyRequests, call(streamMethod, "203.0.113.9:2"))
	require.Equal(t, http.StatusTooManyRequests, call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "203.0.113.9:2"), "it stays open as well")
	require.Equal(t, http.StatusOK, call(publicMethod, "203.0.113.9:2"), "other calls go on")
	go func() { ended <- call(streamMethod, "203.0.113.10:1") }()
	<-begun
	close(end)
	for range 3 {
		require.Equal(t, http.StatusOK, <-ended)
	}
	require.Equal(t, http.StatusOK, call(streamMethod, "203.0.113.9:1"), "there is room again")

	b.answer = func(http.ResponseWriter, *http.Request) { panic("broken") }
	for range 5 {
		require.Equal(t, http.StatusInternalServerError, call(streamMethod, "203.0.113.9:1"), "a panic gives its place back")
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for _, cfg := range []edge.Config{
		{AllowedOrigins: []string{"*"}},
		{AllowedOrigins: []string{"https://*.example.org"}},
		{AllowedOrigins: []string{"example.org"}},
		{AllowedOrigins: []string{"https://example.org/"}},
		{AllowedOrigins: []string{"https://example.org?x"}},
		{AllowedOrigins: []string{"null"}},
		{TrustedProxies: []string{"proxy.example.org"}},
		{TrustedProxies: []string{"10.0.0.0/99"}},
		{Rate: 10},
	} {
		_, err := edge.New(cfg, &backends{}, nil, telemetry.Providers{}, edge.About{}, slog.New(slog.DiscardHandler))
		require.Error(t, err, "%+v", cfg)
	}
}
