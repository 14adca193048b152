package rpc

import (
	"net/http"

	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/mtls"
)

// edgeName is the name of the edge, which hands on the calls of others and makes none of its own: its certificate opens
// the connection, but makes nobody a service.
const edgeName = "edge"

// TrustPeerCertificates lets verified client certificates name the calling services to the handlers made with Options,
// in place of service tokens. It goes around all handlers of a server whose TLS is mtls.Server.
func TrustPeerCertificates(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := mtls.Caller(r.TLS); ok && name != edgeName {
			r = r.WithContext(identity.WithService(r.Context(), identity.Principal{ID: name, Role: identity.RoleService}))
		}
		next.ServeHTTP(w, r)
	})
}
