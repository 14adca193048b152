package discovery

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Reachable returns the host:port at which others reach a listener. What listens on every address is reached at the one
// from which this machine calls Consul, whose URL is given; nothing is sent to find out.
func Reachable(ctx context.Context, listener net.Addr, consul string) (string, error) {
	host, port, err := net.SplitHostPort(listener.String())
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return listener.String(), nil
	}
	if !strings.Contains(consul, "://") {
		consul = "http://" + consul
	}
	location, err := url.Parse(consul)
	if err != nil {
		return "", err
	}
	var dialer net.Dialer
	route, err := dialer.DialContext(ctx, "udp", net.JoinHostPort(location.Hostname(), "8500"))
	if err != nil {
		return "", fmt.Errorf("the address at which others reach this machine is unknown: %w", err)
	}
	defer func() { _ = route.Close() }() // a datagram socket, on which nothing was sent
	own, _, err := net.SplitHostPort(route.LocalAddr().String())
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(own, port), nil
}
