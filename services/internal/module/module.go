// Package module is what a service gives to the binary that runs it, and what it is given.
package module

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/background"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Module is one service, ready to be run.
type Module struct {
	// Name is the service's name, such as `cart`.
	Name string
	// Handlers are its HTTP handlers: those of its proto services, and plain ones such as webhooks.
	Handlers []Handler
	// Consumers handle events in transactions of DB.
	Consumers []messaging.Consumer
	// Workers handle events without a database.
	Workers []messaging.Worker
	// Loops run in the background for as long as the service runs.
	Loops []Loop
	// Health are checks of what only this service depends on; DB, NATS and Redis are checked by whoever runs it.
	Health []Check
	// Sources are what it measures of itself, besides what whoever runs it does: calls, database, outbox and consumers.
	Sources []telemetry.Source
	// Rebuild makes anew what the service derives from elsewhere: projections of streams, and caches. It may run beside the
	// running service, and returns how many things it made. Nil for services that derive nothing.
	Rebuild func(ctx context.Context) (int, error)
	// DB is its database; nil for services without one.
	DB *database.DB
	// Migrations bring DB to the schema that this version knows.
	Migrations []database.Migrations
}

// Handler is an HTTP handler and the pattern of http.ServeMux that it serves.
type Handler struct {
	Pattern string
	Handler http.Handler
}

// Serve makes a Handler of what a generated `New…ServiceHandler` returns:
// module.Serve(cartv1connect.NewCartQueryServiceHandler(svc, kit.HandlerOptions...)).
func Serve(pattern string, handler http.Handler) Handler {
	return Handler{Pattern: pattern, Handler: handler}
}

// Loop is background work. Run returns when ctx ends, or with an error when it can't go on.
type Loop struct {
	Name string
	Run  func(ctx context.Context) error
	// Step is what Run does again and again, for who decides when it happens, such as a simulation: it does what is due,
	// and more says that there may be more. Nil for work that isn't done in steps.
	Step func(ctx context.Context) (more bool, err error)
}

// Repeat makes a Loop of a step that is taken every so often and after each wake-up, as background.Loop says.
func Repeat(log *slog.Logger, name string, every time.Duration, wake <-chan struct{}, step func(ctx context.Context) (more bool, err error)) Loop {
	return Loop{
		Name: name,
		Run:  func(ctx context.Context) error { return background.Loop(ctx, log, name, every, wake, step) },
		Step: step,
	}
}

// Check asks whether one part that a service depends on works. Run must honour ctx.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Kit is what every service is given.
type Kit struct {
	// Log has the service's name in it.
	Log *slog.Logger
	// Clock tells the time, in UTC.
	Clock func() time.Time
	// DB is the service's own database; nil for services without one.
	DB *database.DB
	// NATS and JetStream are one connection.
	NATS      *nats.Conn
	JetStream jetstream.JetStream
	// Redis may be away at any time: losing it loses speed, never truth.
	Redis redis.UniversalClient
	// Peers makes clients to other services.
	Peers *rpc.Peers
	// HandlerOptions go into every generated handler: they carry authentication, policy, validation and the rest.
	HandlerOptions []connect.HandlerOption
	// Verifier and Revocations check tokens that come in a message's field instead of a header.
	Verifier    *identity.Verifier
	Revocations rpc.Revocations
	// Demo switches the simulated parts on.
	Demo bool
	// Alone says that no other process runs the service: what one had claimed for itself before is free again.
	Alone bool
}

// Mount serves the handlers of modules on mux.
func Mount(mux *http.ServeMux, modules ...*Module) {
	for _, m := range modules {
		for _, h := range m.Handlers {
			if _, ok := h.protoService(); ok {
				h.Handler = rpc.Explain(m.Name, h.Handler)
			}
			mux.Handle(h.Pattern, h.Handler)
		}
	}
}

// ProtoServices returns the full names of the proto services among the module's handlers, such as
// `taproom.cart.v1.CartQueryService`, for health checks and reflection.
func (m *Module) ProtoServices() []string {
	var names []string
	for _, h := range m.Handlers {
		if name, ok := h.protoService(); ok {
			names = append(names, name)
		}
	}
	return names
}

// protoService returns the full name of the proto service that the handler serves, if it serves one.
func (h Handler) protoService() (name string, ok bool) {
	name = strings.Trim(h.Pattern, "/")
	return name, h.Pattern == "/"+name+"/" && strings.HasPrefix(name, "taproom.") && !strings.Contains(name, "/")
}
