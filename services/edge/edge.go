// Package edge is the shop's one public origin: it serves the web app and hands calls to the services. It holds no
// business rule.
package edge

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	connectcors "connectrpc.com/cors"
	"github.com/redis/go-redis/v9"
	"github.com/rs/cors"

	"github.com/taproom-shop/taproom/services/edge/internal/limit"
	"github.com/taproom-shop/taproom/services/edge/internal/webapp"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/optional"
	"github.com/taproom-shop/taproom/services/internal/server"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Config is what can be set of the edge.
type Config struct {
	AllowedOrigins []string `help:"Origins of third parties whose pages may call the API, such as https://example.org. They never get credentials." placeholder:"ORIGIN"`
	Reflection     bool     `default:"true" negatable:"" help:"Answer gRPC reflection for public services."`
	Rate           float64  `default:"100" help:"Calls a second that one client address may make, at all edges of a Redis together; 0 means no limit."`
	Burst          int      `default:"400" help:"Calls that one client address may make at once."`
	Streams        int      `default:"16" help:"Streams that one client address may keep open at once, at all edges of a Redis together; 0 means no limit."`
	TrustedProxies []string `help:"Addresses or networks of proxies in front, whose X-Forwarded-For, -Host and -Proto are believed." placeholder:"CIDR"`
}

// Backends finds the handler of a service: the service itself when it runs in this process, else what hands requests on
// to one of its instances.
type Backends interface {
	Handler(service string) http.Handler
}

// About is what the web app is told at /config.json.
type About struct {
	Demo    bool   `json:"demo"`
	Version string `json:"version"`
}

// New puts the edge together. It serves every path. Edges that share a Redis limit their clients together; with nil, as for
// an edge that is the only one, or while Redis is away, each limits its own.
func New(cfg Config, backends Backends, shared redis.UniversalClient, providers telemetry.Providers, about About, log *slog.Logger) (*module.Module, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	clients, err := newClients(cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	app, err := webapp.Handler(about)
	if err != nil {
		return nil, err
	}
	routes := publicRoutes()
	calls := http.NewServeMux()
	if cfg.Reflection {
		server.MountReflection(calls, routes.services()...)
	}
	calls.Handle("/", routes.handler(backends))

	mux := http.NewServeMux()
	mux.Handle("/", app)
	mux.Handle("/pictures/", backends.Handler("catalog"))
	mux.Handle("/webhooks/", backends.Handler("payment"))
	limits := limit.New(limit.Config{
		Rate: cfg.Rate, Burst: cfg.Burst, Streams: cfg.Streams, IsStream: routes.streams, Redis: optional.New(shared, optional.Patience, log),
	})
	api := apiHeaders(crossOrigin(cfg.AllowedOrigins, limits.Wrap(calls)))

	root := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isCall(r) {
			api.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	return &module.Module{Name: "edge", Handlers: []module.Handler{{Pattern: "/", Handler: clients.identify(traced(providers, routes, recovering(log, root)))}}}, nil
}

func (c Config) check() error {
	for _, origin := range c.AllowedOrigins {
		if u, err := url.Parse(origin); err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host || strings.Contains(origin, "*") {
			return fmt.Errorf("allowed origin %q: write one origin as scheme://host[:port], without a path", origin)
		}
	}
	if c.Rate > 0 && c.Burst < 1 {
		return fmt.Errorf("a burst of %d lets no call through: make it at least 1, or the rate 0 for no limit", c.Burst)
	}
	return nil
}

// crossOrigin lets pages of other origins call the API, without cookies: they bring a token in a header.
func crossOrigin(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return cors.New(cors.Options{
		AllowedOrigins:   origins,
		AllowedMethods:   connectcors.AllowedMethods(),
		AllowedHeaders:   append(connectcors.AllowedHeaders(), "Authorization", telemetry.TraceParent),
		ExposedHeaders:   connectcors.ExposedHeaders(),
		AllowCredentials: false,
		MaxAge:           7200,
	}).Handler(next)
}
