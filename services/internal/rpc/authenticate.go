package rpc

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

const (
	// CustomerHeader carries the token of the person on whose behalf a service calls another. Only services may send
	// it; the edge drops it from outside.
	CustomerHeader = "Taproom-Customer"

	// ReasonServiceTokenInvalid says that the calling service, not the person, could not prove who it is.
	ReasonServiceTokenInvalid = "SERVICE_TOKEN_INVALID"

	authorization = "Authorization"
	bearer        = "Bearer "
)

// authenticator turns tokens into principals. A call without a token goes on as anonymous, for the policy to judge; a
// token that is not good ends the call even where none is needed, so that a client learns to refresh it.
type authenticator struct {
	handlerOnly
	verifier    *identity.Verifier
	revocations Revocations
	clock       func() time.Time
}

// WrapUnary implements connect.Interceptor.
func (a authenticator) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, err := a.authenticate(ctx, req.Header())
		if err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler ends a stream when the token that opened it expires or is revoked: with UNAUTHENTICATED and
// the reason, so that the client refreshes its session and opens the stream again where it left off. No stream
// outlives its session by more than an access token does.
func (a authenticator) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, err := a.authenticate(ctx, conn.RequestHeader())
		if err != nil {
			return err
		}
		person, ok := identity.From(ctx)
		if !ok || person.Role == identity.RoleService {
			return endedBy(ctx, next(ctx, conn))
		}
		ctx, stop := a.endWith(ctx, person)
		defer stop()
		err = next(ctx, conn)
		return endedBy(ctx, err)
	}
}

// endedBy returns why a stream was ended from outside, if the cause of its context says so, and err otherwise. Handlers
// of streams mostly just return when their context ends.
func endedBy(ctx context.Context, err error) error {
	var ended *fault.Error
	if ctx.Err() != nil && errors.As(context.Cause(ctx), &ended) {
		return ended
	}
	return err
}

// endWith returns a context that ends, with a fault as its cause, when p's token is no longer good.
func (a authenticator) endWith(ctx context.Context, p identity.Principal) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	revoked, unwatch := a.revocations.Watch(p)
	expiry := time.NewTimer(p.ExpiresAt.Sub(a.clock()))
	done := make(chan struct{})
	go func() {
		select {
		case <-revoked:
			cancel(errRevoked())
		case <-expiry.C:
			cancel(fault.Unauthenticated(identity.ReasonTokenExpired, "the token has expired: refresh the session and open the stream again"))
		case <-done:
		}
	}()
	return ctx, func() {
		close(done)
		expiry.Stop()
		unwatch()
		cancel(nil)
	}
}

// authenticate returns a context with the principals that the headers prove. A service proves itself by a token, or did so
// before by its certificate.
func (a authenticator) authenticate(ctx context.Context, header http.Header) (context.Context, error) {
	onBehalf := header.Get(CustomerHeader)
	token, given, err := bearerToken(header)
	if err != nil {
		return nil, err
	}
	if service, certified := identity.Service(ctx); certified {
		if given {
			return nil, fault.Unauthenticated(ReasonServiceTokenInvalid,
				"a service with a certificate sends the person's token in the header %s and none of its own", CustomerHeader)
		}
		return a.asService(ctx, service, onBehalf)
	}
	if !given {
		if onBehalf != "" {
			return nil, notAService()
		}
		return ctx, nil
	}
	caller, err := a.verifier.Verify(token)
	if err != nil && onBehalf != "" {
		return nil, notAService().WithCause(err) // the person's own token may be good: only the service can mend this
	}
	if err != nil {
		return nil, err
	}
	if caller.Role != identity.RoleService {
		if onBehalf != "" {
			return nil, notAService()
		}
		return a.withPerson(ctx, caller)
	}
	return a.asService(identity.WithService(ctx, caller), caller, onBehalf)
}

// asService returns a context for the call of a service, alone or with the token of a person.
func (a authenticator) asService(ctx context.Context, service identity.Principal, onBehalf string) (context.Context, error) {
	if onBehalf == "" {
		return identity.With(ctx, service), nil
	}
	person, err := a.verifier.Verify(onBehalf)
	if err != nil {
		return nil, err
	}
	if person.Role == identity.RoleService {
		return nil, fault.Unauthenticated(identity.ReasonTokenInvalid, "the header %s carries a person's token", CustomerHeader)
	}
	return a.withPerson(ctx, person)
}

func (a authenticator) withPerson(ctx context.Context, person identity.Principal) (context.Context, error) {
	if a.revocations.Revoked(person) {
		return nil, errRevoked()
	}
	return identity.With(ctx, person), nil
}

func bearerToken(header http.Header) (token string, given bool, err error) {
	values := header.Values(authorization)
	if len(values) == 0 {
		return "", false, nil
	}
	scheme := values[0]
	if len(values) > 1 || len(scheme) < len(bearer) || !strings.EqualFold(scheme[:len(bearer)], bearer) {
		return "", false, fault.Unauthenticated(identity.ReasonTokenInvalid, "send one header Authorization: Bearer <token>")
	}
	return strings.TrimSpace(scheme[len(bearer):]), true, nil
}

func errRevoked() *fault.Error {
	return fault.Unauthenticated(identity.ReasonTokenRevoked, "this session has ended: log in again")
}

func notAService() *fault.Error {
	return fault.Unauthenticated(ReasonServiceTokenInvalid, "only services may send the header %s", CustomerHeader)
}
