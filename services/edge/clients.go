package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddressHeader tells services whose call it is. Like every header of the shop's own it is taken from outside
// by nobody: the edge drops them all.
const ClientAddressHeader = "Taproom-Client-Ip"

const ownHeaders = "Taproom-"

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
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		c.proxies = append(c.proxies, prefix)
	}
	return c, nil
}

// identify drops identity headers that come from outside and says, for what follows, which address the call came from.
func (c clients) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, ownHeaders) {
				r.Header.Del(name)
			}
		}
		r.Header.Set(ClientAddressHeader, c.address(r))
		next.ServeHTTP(w, r)
	})
}

// address is the nearest address that is not a trusted proxy's.
func (c clients) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for c.trusts(host) && len(hops) > 0 {
		hop := strings.TrimSpace(hops[len(hops)-1])
		hops = hops[:len(hops)-1]
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		host = hop
	}
	return host
}

func (c clients) trusts(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, prefix := range c.proxies {
		if prefix.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
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
