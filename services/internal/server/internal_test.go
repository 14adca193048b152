package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/server"
)

func TestInternal(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("taproom_beers_total 3\n")) })
	get := func(handler http.Handler, path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}
	broken := []module.Check{{Name: "redis", Run: func(context.Context) error { return errors.New("away") }}}
	var draining error
	handler := server.Internal(metrics, broken, func() error { return draining })
	require.Equal(t, "taproom_beers_total 3\n", get(handler, "/metrics").Body.String())
	require.Equal(t, http.StatusServiceUnavailable, get(handler, "/healthz").Code)
	require.Equal(t, http.StatusOK, get(handler, "/readyz").Code, "calls are answered without Redis")
	draining = errors.New("it is being stopped")
	require.Equal(t, http.StatusServiceUnavailable, get(handler, "/readyz").Code)
	require.Contains(t, get(handler, "/readyz").Body.String(), "it is being stopped")
	require.Equal(t, http.StatusOK, get(handler, "/debug/pprof/").Code)

	handler = server.Internal(nil, nil, nil)
	require.Equal(t, http.StatusOK, get(handler, "/readyz").Code)
	require.Equal(t, http.StatusNotFound, get(handler, "/metrics").Code)
}
