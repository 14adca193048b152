// Package identity says who calls: signed short-lived tokens for people and for services, the keys behind them, and
// the revocations that end a person's tokens before their time.
package identity

import (
	"context"
	"log/slog"
	"time"
)

const (
	// AccessTokenLife is the longest life of a customer's or staff's access token. Revocations older than this
	// (and Leeway) can be forgotten, since every token that they could refuse has expired.
	AccessTokenLife = 5 * time.Minute
	// GuestTokenLife is the longest life of a guest's token, as long as a guest's cart lives.
	GuestTokenLife = 30 * 24 * time.Hour
	// ServiceTokenLife is the life of the token with which a service names itself to another.
	ServiceTokenLife = time.Minute
	// Leeway is how far the clocks of two machines may differ.
	Leeway = 5 * time.Second
)

// Role is what a caller is. Roles are not a ladder: see the access levels of the schema.
type Role int

const (
	// RoleGuest is a person without an account who holds a signed anonymous token.
	RoleGuest Role = iota + 1
	// RoleCustomer is a registered person.
	RoleCustomer
	// RoleStaff is a person who runs the shop.
	RoleStaff
	// RoleService is another Taproom service.
	RoleService
)

var roleNames = map[Role]string{
	RoleGuest: "GUEST", RoleCustomer: "CUSTOMER", RoleStaff: "STAFF", RoleService: "SERVICE",
}

// String returns the role's name as tokens and events carry it, such as `CUSTOMER`.
func (r Role) String() string {
	if name, ok := roleNames[r]; ok {
		return name
	}
	return "UNKNOWN"
}

// ParseRole is the reverse of String; ok is false for any other text.
func ParseRole(name string) (role Role, ok bool) {
	for role, n := range roleNames {
		if n == name {
			return role, true
		}
	}
	return 0, false
}

// maxLife is how long a token of the role may live, whoever signed it.
func (r Role) maxLife() time.Duration {
	switch r {
	case RoleGuest:
		return GuestTokenLife
	case RoleService:
		return ServiceTokenLife
	case RoleCustomer, RoleStaff:
		return AccessTokenLife
	}
	return 0
}

// Principal is a verified caller.
type Principal struct {
	// ID is a user's or guest's UUID, or a service's name.
	ID string
	// Role is what the caller is.
	Role Role
	// SessionID names the log-in that the token belongs to; empty for services.
	SessionID string
	// Token is the token as it was sent, so that it can be passed on. It is never logged.
	Token string
	// IssuedAt and ExpiresAt bound the token's life, in UTC.
	IssuedAt, ExpiresAt time.Time
}

// LogValue keeps the token out of the logs.
func (p Principal) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", p.ID), slog.String("role", p.Role.String()))
}

type (
	principalKey struct{}
	serviceKey   struct{}
)

// With returns a context in which p is who the work is done for.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns whom the work is done for: the person, also when a service calls on the person's behalf, or the
// calling service when it acts alone. ok is false for anonymous callers of public methods.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// Must is From where the access policy has made sure of a principal; it panics without one.
func Must(ctx context.Context) Principal {
	p, ok := From(ctx)
	if !ok {
		panic("identity: no principal in the context: the method's access policy lets anonymous callers in")
	}
	return p
}

// WithService returns a context that remembers which service calls.
func WithService(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, serviceKey{}, p)
}

// Service returns the calling service; ok is false when a person calls.
func Service(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(serviceKey{}).(Principal)
	return p, ok
}
