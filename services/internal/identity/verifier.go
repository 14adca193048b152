package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Reasons of a refused token, as clients see them.
const (
	ReasonTokenInvalid = "TOKEN_INVALID"
	ReasonTokenExpired = "TOKEN_EXPIRED"
	ReasonTokenRevoked = "TOKEN_REVOKED"
)

// maxTokenBytes bounds what is parsed at all; ours have about 400 bytes.
const maxTokenBytes = 2048

// cachedTokens bounds the verification cache: about 10 MB when full.
const cachedTokens = 10_000

// KeySource is where a verifier finds the keys that it trusts: PublicKeys, or RemoteKeys, which change.
type KeySource interface {
	// find returns what the key may sign, errUnknownKey or a fault of kind Unavailable.
	find(kid string) (trusted, error)
}

var errUnknownKey = errors.New("unknown key")

// PublicKeys are keys that don't change. More than one per issuer lets keys be rotated.
type PublicKeys struct {
	// People are the keys of the user service for tokens of people.
	People []ed25519.PublicKey
	// Services are the keys of each service by its name.
	Services map[string][]ed25519.PublicKey
}

// trusted is what one key may sign.
type trusted struct {
	key      ed25519.PublicKey
	issuer   string
	audience string
}

// Verifier checks tokens. It remembers good ones until they expire: checking an Ed25519 signature and its JSON costs
// a hundred times a look-up. It knows nothing about revocations, which are looked up for each call.
type Verifier struct {
	keys   KeySource
	parser *jwt.Parser
	clock  func() time.Time
	cache  *tokenCache
}

// trustedKeys are keys by their ids.
type trustedKeys map[string]trusted

func (k trustedKeys) find(kid string) (trusted, error) {
	if key, ok := k[kid]; ok {
		return key, nil
	}
	return trusted{}, errUnknownKey
}

func (k PublicKeys) find(kid string) (trusted, error) { return k.byID().find(kid) }

func (k PublicKeys) byID() trustedKeys {
	byID := make(trustedKeys)
	for _, key := range k.People {
		byID[KeyID(key)] = trusted{key: key, issuer: PeopleIssuer, audience: audiencePeople}
	}
	for name, serviceKeys := range k.Services {
		for _, key := range serviceKeys {
			byID[KeyID(key)] = trusted{key: key, issuer: name, audience: audienceServices}
		}
	}
	return byID
}

// NewVerifier returns a verifier that trusts keys.
func NewVerifier(keys KeySource, clock func() time.Time) *Verifier {
	if fixed, ok := keys.(PublicKeys); ok {
		keys = fixed.byID()
	}
	return &Verifier{
		keys: keys,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(Leeway),
			jwt.WithTimeFunc(clock),
		),
		clock: clock,
		cache: newTokenCache(cachedTokens),
	}
}

// Verify returns whom the token names. Errors are fault.Unauthenticated with reason TOKEN_EXPIRED or TOKEN_INVALID, and
// fault.Unavailable with reason KEYS_UNAVAILABLE when keys must be asked for and nobody answers.
// A person's token comes from the user service alone, and a service's token names the service whose key signed it.
func (v *Verifier) Verify(token string) (Principal, error) {
	now := v.clock()
	if p, kid, ok := v.cache.get(token); ok && v.trusts(kid) {
		if now.After(p.ExpiresAt.Add(Leeway)) {
			return Principal{}, expired()
		}
		return p, nil
	}
	p, kid, err := v.parse(token)
	var away *fault.Error
	if errors.As(err, &away) {
		return Principal{}, away
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return Principal{}, expired().WithCause(err)
	}
	if err != nil {
		return Principal{}, fault.Unauthenticated(ReasonTokenInvalid, "the token is not valid: log in again").WithCause(err)
	}
	v.cache.put(token, p, kid)
	return p, nil
}

// trusts reports whether the key is still trusted: it may have been withdrawn.
func (v *Verifier) trusts(kid string) bool {
	_, err := v.keys.find(kid)
	return err == nil
}

func expired() *fault.Error {
	return fault.Unauthenticated(ReasonTokenExpired, "the token has expired: refresh the session")
}

func (v *Verifier) parse(token string) (p Principal, kid string, err error) {
	if len(token) > maxTokenBytes {
		return Principal{}, "", fmt.Errorf("token of %d bytes", len(token))
	}
	var (
		c      claims
		signer trusted
	)
	_, err = v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ = t.Header["kid"].(string)
		var err error
		if signer, err = v.keys.find(kid); err != nil {
			return nil, fmt.Errorf("key %q: %w", kid, err)
		}
		return signer.key, nil
	})
	if err != nil {
		return Principal{}, "", err
	}
	p = Principal{
		ID:        c.Subject,
		SessionID: c.SessionID,
		Token:     token,
		IssuedAt:  time.UnixMicro(c.IssuedMicros).UTC(),
		ExpiresAt: c.ExpiresAt.UTC(),
	}
	var known bool
	p.Role, known = ParseRole(c.Role)
	isService := p.Role == RoleService
	switch {
	case !known || p.ID == "":
		return Principal{}, "", fmt.Errorf("incomplete claims: subject %q, role %q", c.Subject, c.Role)
	case c.Issuer != signer.issuer:
		return Principal{}, "", fmt.Errorf("issuer %q signed with a key of %q", c.Issuer, signer.issuer)
	case !slices.Equal(c.Audience, jwt.ClaimStrings{signer.audience}):
		return Principal{}, "", fmt.Errorf("audience %q is not %q", c.Audience, signer.audience)
	case isService != (signer.audience == audienceServices):
		return Principal{}, "", fmt.Errorf("role %s for audience %q", p.Role, signer.audience)
	case isService && p.ID != signer.issuer:
		return Principal{}, "", fmt.Errorf("service %q signed with a key of %q", p.ID, signer.issuer)
	case p.IssuedAt.After(v.clock().Add(Leeway)):
		return Principal{}, "", fmt.Errorf("issued in the future, at %s", p.IssuedAt)
	case p.ExpiresAt.Sub(p.IssuedAt) > p.Role.maxLife():
		return Principal{}, "", fmt.Errorf("lives for %s, longer than a %s may", p.ExpiresAt.Sub(p.IssuedAt), p.Role)
	}
	return p, kid, nil
}
