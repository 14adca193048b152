package server

import (
	"net/http"
	"net/http/pprof"

	"github.com/taproom-shop/taproom/services/internal/module"
)

// Internal is what a process tells those who run it, at an address out of reach for customers:
//
//   - /metrics, for Prometheus, if there are metrics
//   - /healthz, which part of it fails, as MountHealth says
//   - /readyz, whether calls may be sent to it: 200, or 503 with the reason why ready refuses; nil is always ready
//   - /debug/pprof/, Go's profiles
func Internal(metrics http.Handler, checks []module.Check, ready func() error) http.Handler {
	mux := http.NewServeMux()
	MountHealth(mux, checks)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if ready == nil {
			return
		}
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	if metrics != nil {
		mux.Handle("GET /metrics", metrics)
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
