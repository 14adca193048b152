package edge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(handler http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// The web app may or may not have been built into the test; either way each path has its answer.
func TestPages(t *testing.T) {
	handler := newEdge(t, open(), &backends{})
	first := get(handler, http.MethodGet, "/")
	require.Equal(t, http.StatusOK, first.Code)
	require.Contains(t, first.Body.String(), "<title>Taproom</title>")
	for _, path := range []string{"/beers/0190", "/beers/", "/account/orders/", "/search?q=st.+bernardus"} {
		page := get(handler, http.MethodGet, path)
		require.Equal(t, http.StatusOK, page.Code, path)
		require.Equal(t, first.Body.String(), page.Body.String(), "the app routes by itself")
		require.Equal(t, "no-cache", page.Header().Get("Cache-Control"), path)
		require.True(t, strings.HasPrefix(page.Header().Get("Content-Type"), "text/html"))
	}
	for _, path := range []string{"/assets/gone-1234.js", "/assets/gone", "/assets/", "/favicon.png", "/config.yaml", "/.env", "/a/../../etc/passwd.txt"} {
		missing := get(handler, http.MethodGet, path)
		require.NotEqual(t, http.StatusOK, missing.Code, path)
		require.NotContains(t, missing.Header().Get("Cache-Control"), "immutable")
		require.NotContains(t, missing.Body.String(), "<title>")
	}
	head := get(handler, http.MethodHead, "/")
	require.Equal(t, http.StatusOK, head.Code)
	require.Empty(t, head.Body.String())
	require.Equal(t, http.StatusMethodNotAllowed, get(handler, http.MethodPost, "/").Code)
}

func TestPagesAreSecured(t *testing.T) {
	handler := newEdge(t, open(), &backends{})
	for _, path := range []string{"/", "/config.json", "/assets/gone.js", "/beers/0190"} {
		h := get(handler, http.MethodGet, path).Header()
		policy := h.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'self'", "script-src 'self';", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'"} {
			require.Contains(t, policy, directive)
		}
		require.NotContains(t, policy, "unsafe-eval")
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"))
	}
	call := httptest.NewRecorder()
	handler.ServeHTTP(call, post(publicMethod, "203.0.113.9:1"))
	require.Equal(t, "no-store", call.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", call.Header().Get("X-Content-Type-Options"))
}

func TestTheAppIsToldAboutTheShop(t *testing.T) {
	config := get(newEdge(t, open(), &backends{}), http.MethodGet, "/config.json")
	require.Equal(t, "application/json", config.Header().Get("Content-Type"))
	require.JSONEq(t, `{"demo":true,"version":"1.2.3"}`, config.Body.String())
}

func TestOtherOriginsCallOnlyWhenAllowedAndNeverWithCredentials(t *testing.T) {
	cfg := open()
	cfg.AllowedOrigins = []string{"https://friend.example"}
	allowing, closed := newEdge(t, cfg, &backends{}), newEdge(t, open(), &backends{})
	preflight := func(handler http.Handler, origin string) http.Header {
		return get(handler, http.MethodOptions, publicMethod, "Origin: "+origin, "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: authorization,content-type").Header()
	}
	h := preflight(allowing, "https://friend.example")
	require.Equal(t, "https://friend.example", h.Get("Access-Control-Allow-Origin"))
	require.Contains(t, strings.ToLower(h.Get("Access-Control-Allow-Headers")), "authorization")
	require.Contains(t, h.Values("Vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	require.Empty(t, h.Get("Access-Control-Allow-Credentials"))

	w := httptest.NewRecorder()
	allowing.ServeHTTP(w, post(publicMethod, "203.0.113.9:1", "Origin: https://friend.example"))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "https://friend.example", w.Header().Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Header().Get("Access-Control-Expose-Headers"), "Grpc-Status")
	require.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))

	strangers := []string{"https://evil.example", "http://friend.example", "https://friend.example.evil.example", "https://friend.example:444", "null"}
	for i, handler := range []http.Handler{allowing, closed} {
		for _, origin := range append(strangers, []string{"https://friend.example"}[:i]...) {
			require.Empty(t, preflight(handler, origin).Get("Access-Control-Allow-Origin"), origin)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, post(publicMethod, "203.0.113.9:1", "Origin: "+origin))
			require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), origin)
		}
	}
	page := get(allowing, http.MethodGet, "/config.json", "Origin: https://friend.example")
	require.Empty(t, page.Header().Get("Access-Control-Allow-Origin"), "only the API is for others")
}
