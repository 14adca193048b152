// Package rpc is what every remote call goes through: on the way in telemetry, errors, deadlines, authentication, the
// schema's access policy and validation; on the way out to another service credentials, telemetry and errors again.
package rpc

import (
	"log/slog"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/validate"

	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

const (
	// MaxRequestBytes bounds a request message, compressed or not.
	MaxRequestBytes = 256 << 10
	// MaxUnaryTime bounds a unary call, whatever deadline the client asks for.
	MaxUnaryTime = 15 * time.Second

	// domainSuffix makes the domain of reasons of a service's name.
	domainSuffix = ".taproom"

	// compressFrom is the size of an answer from which on compressing it pays.
	compressFrom = 1 << 10
)

// Revocations are the sessions that ended early. *identity.Revocations are these; tests replace their health.
type Revocations interface {
	// Revoked reports whether p's token must be refused.
	Revoked(p identity.Principal) bool
	// Watch returns a channel that is closed once p's token is revoked, and what ends the watching.
	Watch(p identity.Principal) (revoked <-chan struct{}, stop func())
	// Healthy reports whether revocations are being heard.
	Healthy() bool
}

// Config is what the handlers of one service need.
type Config struct {
	// Service is the service's name, such as `cart`. Reasons of errors belong to the domain `cart.taproom`.
	Service string
	// Log takes the causes of internal errors.
	Log *slog.Logger
	// Clock tells the time.
	Clock func() time.Time
	// Verifier checks the tokens of callers.
	Verifier *identity.Verifier
	// Revocations refuse tokens whose session ended early.
	Revocations Revocations
	// Patience is how long a critical call waits for revocations that are not being heard, before it is refused. A stream
	// whose leader was lost has no other for some seconds. Zero: it is refused at once.
	Patience time.Duration
	// Telemetry takes traces and metrics; the zero value takes none.
	Telemetry telemetry.Providers
}

// Options returns the options that every generated handler of a service is made with. Interceptors run in this order,
// for unary calls and for streams:
//
//  1. telemetry: a span and metrics of each call, refused ones too;
//  2. deadline: a unary call ends after MaxUnaryTime or earlier;
//  3. errors: panics, faults and unknown errors become answers with a code and a reason; a call that comes after its
//     deadline is not begun;
//  4. authentication: tokens become principals in the context; a stream ends when its token expires or is revoked;
//  5. policy: the method's `access` decides who passes, and its `critical` whether unheard revocations are tolerable;
//  6. validation: the message has no text that a database refuses, and keeps the rules of the schema.
func Options(cfg Config) ([]connect.HandlerOption, error) {
	observing, err := observers(cfg.Telemetry)
	if err != nil {
		return nil, err
	}
	return []connect.HandlerOption{
		connect.WithInterceptors(observing...),
		connect.WithInterceptors(
			deadline{},
			errorMapper{domain: cfg.Service + domainSuffix, log: cfg.Log},
			authenticator{verifier: cfg.Verifier, revocations: cfg.Revocations, clock: cfg.Clock},
			policy{revocations: cfg.Revocations, patience: cfg.Patience},
			text{},
			validate.NewInterceptor(validate.WithoutErrorDetails()),
		),
		WithMaxRequestBytes(MaxRequestBytes),
		connect.WithCompressMinBytes(compressFrom),
	}, nil
}
