// Package discovery finds the instances of services. Callers ask a Resolver and don't know whether a service runs in
// this process or on other machines.
package discovery

import "net/http"

// Resolver finds services by name. InProcess finds them in this process; one that asks a registry has the same face.
type Resolver interface {
	// URL returns the base URL of a service, without a slash at its end. It is good only together with the transport
	// of the same service.
	URL(service string) string
	// Transport returns a transport whose requests reach a healthy instance of the service. It can be had before the
	// service is up: a request that finds no instance fails then.
	Transport(service string) http.RoundTripper
}
