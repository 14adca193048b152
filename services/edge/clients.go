package edge

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddressHeader tells services whose call it is. Like every header of the shop's own it is taken from outside
// by nobody: the edge drops them all.
const ClientAddressHeader = "Taproom-Client-Ip"

const (
	ownHeaders     = "Taproom-"
	proxyHeaders   = "X-Forwarded-"
	forwardedHost  = proxyHeaders + "Host"
	forwardedProto = proxyHeaders + "Proto"
)

// clients finds out who calls.
type clients struct{ proxies []netip.Prefix }

func newClients(trusted []string) (clients, error) {
	var c clients
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return c, fmt.Errorf("trusted proxy %q: write an address such as 10.0.0.7 or a network such as 10.0.0.0/8", text)
			}
			addr = addr.Unmap()
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		c.proxies = append(c.proxies, prefix)
	}
	return c, nil
}

// identify drops headers by which only the shop itself and trusted proxies may speak, and says for what follows which
// address the call came from, which host it was for and whether it came by HTTPS.
func (c clients) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, host, proto := c.origin(r)
		for name := range r.Header {
			if strings.HasPrefix(name, ownHeaders) || strings.HasPrefix(name, proxyHeaders) || name == "Forwarded" {
				delete(r.Header, name)
			}
		}
		r.Header.Set(ClientAddressHeader, address)
		r.Header.Set(forwardedHost, host)
		r.Header.Set(forwardedProto, proto)
		next.ServeHTTP(w, r)
	})
}

// origin is what the call looked like to the first of the trusted proxies, or here when the caller is none.
func (c clients) origin(r *http.Request) (address, host, proto string) {
	host, proto = r.Host, "http"
	if r.TLS != nil {
		proto = "https"
	}
	peer := peerAddress(r)
	if !c.trusts(peer) {
		return peer.String(), host, proto
	}
	if named := last(r.Header.Values(forwardedHost)); named != "" {
		host = named
	}
	if named := strings.ToLower(last(r.Header.Values(forwardedProto))); named == "http" || named == "https" {
		proto = named
	}
	return c.address(peer, r).String(), host, proto
}

// address is the nearest address that is not a trusted proxy's. Addresses to the left of it could be made up.
func (c clients) address(peer netip.Addr, r *http.Request) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values(proxyHeaders+"For"), ","), ",")
	for c.trusts(peer) && len(hops) > 0 {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1]))
		if err != nil {
			break
		}
		peer, hops = plain(hop), hops[:len(hops)-1]
	}
	return peer
}

// peerAddress is who opened the connection; the zero address when that is no internet address.
func peerAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return plain(peer.Addr())
}

// plain spells one address in one way: IPv4 as such, IPv6 without the zone of the machine that it came to.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func (c clients) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(c.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// last is the last element of a list in headers: the nearest proxy wrote it.
func last(values []string) string {
	list := strings.Split(strings.Join(values, ","), ",")
	return strings.TrimSpace(list[len(list)-1])
}

// apiHeaders are for answers that no page shows: nothing is guessed, framed or kept by shared caches. GET answers of
// public methods carry no Cache-Control of their own, so caches would be free to invent one.
func apiHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
