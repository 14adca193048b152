package rpc

import (
	"context"
	"net/http"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

// credentials puts this service's token on calls to peers, and passes on the person for whom the work is done. Without a
// token, self being nil, the connection's certificate proves who calls.
type credentials struct{ self *identity.ServiceIdentity }

// WrapUnary implements connect.Interceptor.
func (c credentials) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := c.put(ctx, req.Header()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (c credentials) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if err := c.put(ctx, conn.RequestHeader()); err != nil {
			return failedConn{conn, err}
		}
		return conn
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (c credentials) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (c credentials) put(ctx context.Context, header http.Header) error {
	if c.self != nil {
		token, err := c.self.Token()
		if err != nil {
			return fault.Internal(ReasonInternal, "this service can't name itself").WithCause(err)
		}
		header.Set(authorization, bearer+token)
	}
	if person, ok := identity.From(ctx); ok && person.Role != identity.RoleService && person.Token != "" {
		header.Set(CustomerHeader, person.Token)
	}
	return nil
}

// failedConn is a stream that could not be begun.
type failedConn struct {
	connect.StreamingClientConn
	err error
}

// Send implements connect.StreamingClientConn.
func (c failedConn) Send(any) error { return c.err }

// Receive implements connect.StreamingClientConn.
func (c failedConn) Receive(any) error { return c.err }
