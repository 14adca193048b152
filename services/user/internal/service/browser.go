package service

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	// cookieName names the cookie that holds a browser's refresh token.
	cookieName = "taproom_refresh"
	// clientHeader names the client's address. The edge sets it, and drops what clients send.
	clientHeader = "Taproom-Client-Ip"
)

// cookiePath is as narrow as can be: no other service is sent the token.
const cookiePath = "/" + userv1connect.UserServiceName + "/"

// setCookie has the browser keep a refresh token until the session ends.
func (s *User) setCookie(ctx context.Context, token string, expires time.Time) {
	s.putCookie(ctx, token, max(1, int(expires.Sub(s.Clock()).Seconds())))
}

// clearCookie has the browser forget the refresh token, if it sent one.
func (s *User) clearCookie(ctx context.Context) {
	if refreshCookie(ctx) != "" {
		s.putCookie(ctx, "", -1)
	}
}

// putCookie sets the cookie for maxAge seconds, and removes it when that is negative.
func (s *User) putCookie(ctx context.Context, value string, maxAge int) {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return
	}
	cookie := &http.Cookie{ //nolint:gosec // G124: a shop on 127.0.0.1 has no TLS, and a secure cookie would be dropped
		Name: cookieName, Value: value, Path: cookiePath, MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.SecureCookies || call.RequestHeader().Get("X-Forwarded-Proto") == "https",
	}
	call.ResponseHeader().Add("Set-Cookie", cookie.String())
}

// refreshCookie returns the refresh token that a browser sent, or "".
func refreshCookie(ctx context.Context) string {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return ""
	}
	cookie, err := (&http.Request{Header: call.RequestHeader()}).Cookie(cookieName)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// checkCookieUse refuses the use of the cookie to pages of other origins: none may sign a browser in, out or on. Browsers
// say which origin a request comes from; clients that say nothing aren't browsers, and hold their cookies themselves.
func (s *User) checkCookieUse(ctx context.Context, byCookie bool) error {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok || !byCookie {
		return nil
	}
	header := call.RequestHeader()
	request := &http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: call.Spec().Procedure},
		Header: header,
		Host:   cmp.Or(header.Get("X-Forwarded-Host"), header.Get("Host")),
	}
	if err := s.Origins.Check(request); err != nil {
		return fault.PermissionDenied("ORIGIN_NOT_ALLOWED", "only pages of the shop itself may use its cookie").WithCause(err)
	}
	return nil
}

// clientAddress names who calls, for counting: an IPv4 address, or the /64 network of an IPv6 address, since whoever has one
// address of such a network has them all.
func clientAddress(ctx context.Context) string {
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return ""
	}
	text := call.RequestHeader().Get(clientHeader)
	if text == "" {
		text = call.Peer().Addr
		if host, _, err := net.SplitHostPort(text); err == nil {
			text = host
		}
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	network, err := address.Prefix(64)
	if err != nil {
		return address.String()
	}
	return network.String()
}
