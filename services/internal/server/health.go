package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/taproom-shop/taproom/services/internal/module"
)

const (
	healthTimeout    = 2 * time.Second
	maxHealthTimeout = 30 * time.Second
)

// Health is the answer of /healthz.
type Health struct {
	// OK is whether every part works.
	OK bool `json:"ok"`
	// Parts are the checks in their order.
	Parts []PartHealth `json:"parts"`
}

// PartHealth is the outcome of one check.
type PartHealth struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Error says what is wrong with a part that does not work.
	Error string `json:"error,omitempty"`
	// Milliseconds is how long the check took.
	Milliseconds int64 `json:"milliseconds"`
}

// CheckHealth runs checks side by side. One that does not answer before ctx ends has failed, and is not waited for.
func CheckHealth(ctx context.Context, checks []module.Check) Health {
	begin := time.Now()
	outcomes := make([]chan PartHealth, len(checks))
	for i, check := range checks {
		outcomes[i] = make(chan PartHealth, 1)
		go func() {
			part := PartHealth{Name: check.Name, OK: true}
			if err := check.Run(ctx); err != nil {
				part.OK, part.Error = false, err.Error()
			}
			part.Milliseconds = time.Since(begin).Milliseconds()
			outcomes[i] <- part
		}()
	}
	health := Health{OK: true, Parts: make([]PartHealth, len(checks))}
	for i, check := range checks {
		select {
		case health.Parts[i] = <-outcomes[i]:
		case <-ctx.Done():
			health.Parts[i] = PartHealth{Name: check.Name, Error: "no answer in time", Milliseconds: time.Since(begin).Milliseconds()}
		}
		health.OK = health.OK && health.Parts[i].OK
	}
	return health
}

// MountHealth serves the state of a service's parts on mux: for people and load balancers as `GET /healthz?timeout=2`
// (seconds; 200 or 503, JSON that names the part that fails), and for gRPC clients as grpc.health.v1, which answers
// for the proto services named.
func MountHealth(mux *http.ServeMux, checks []module.Check, protoServices ...string) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		timeout := healthTimeout
		if text := r.URL.Query().Get("timeout"); text != "" {
			seconds, err := strconv.ParseFloat(text, 64)
			if err != nil || !(seconds > 0) {
				http.Error(w, "timeout is a number of seconds above 0, such as 2", http.StatusBadRequest)
				return
			}
			timeout = time.Duration(min(seconds, maxHealthTimeout.Seconds()) * float64(time.Second))
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		health := CheckHealth(ctx, checks)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !health.OK {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(health)
	})
	mux.Handle(grpchealth.NewHandler(grpcHealth{checks: checks, services: protoServices}))
}

// grpcHealth answers for the whole server (no service named) and for each of its proto services alike.
type grpcHealth struct {
	checks   []module.Check
	services []string
}

// Check implements grpchealth.Checker.
func (h grpcHealth) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if req.Service != "" && !slices.Contains(h.services, req.Service) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("no such service here: "+req.Service))
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if !CheckHealth(ctx, h.checks).OK {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
