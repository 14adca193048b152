package rpc

import (
	"net/http"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/discovery"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// Peers makes clients to other services: catalogv1connect.NewCatalogServiceClient(peers.Client("catalog"),
// peers.URL("catalog"), peers.Options()...). Calls carry the service's own token, the token of the person in the
// context, the trace and the deadline; their errors are faults. Unary calls that the schema calls idempotent or without side
// effects may be made again when an instance breaks off.
type Peers struct {
	resolver discovery.Resolver
	options  []connect.ClientOption
}

// NewPeers returns the clients of the service that self names; nil where the resolver's connections prove it.
func NewPeers(resolver discovery.Resolver, self *identity.ServiceIdentity, providers telemetry.Providers) (*Peers, error) {
	observing, err := observers(providers)
	if err != nil {
		return nil, err
	}
	return &Peers{
		resolver: resolver,
		options: []connect.ClientOption{
			connect.WithInterceptors(peerErrors{}),
			connect.WithInterceptors(observing...),
			connect.WithInterceptors(credentials{self: self}, repeats{}),
			connect.WithAcceptCompression("gzip", nil, nil), // peers are near: processor time is dearer than bytes
		},
	}, nil
}

// Client returns what sends requests to an instance of service.
func (p *Peers) Client(service string) connect.HTTPClient {
	return httpClient{p.resolver.Transport(service)}
}

// URL returns the base URL of service, to be used with Client.
func (p *Peers) URL(service string) string { return p.resolver.URL(service) }

// Options returns the options that every client to a peer is made with.
func (p *Peers) Options() []connect.ClientOption { return p.options }

// httpClient sends requests as they are: no cookies, no redirects.
type httpClient struct{ transport http.RoundTripper }

// Do implements connect.HTTPClient.
func (c httpClient) Do(req *http.Request) (*http.Response, error) { return c.transport.RoundTrip(req) }
