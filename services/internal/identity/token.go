package identity

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// PeopleIssuer signs the tokens of people; only the user service holds its key.
	PeopleIssuer = "user"

	audiencePeople   = "taproom"
	audienceServices = "taproom-internal"
)

// claims is the body of every Taproom token.
type claims struct {
	jwt.RegisteredClaims
	// Role is the principal's role name.
	Role string `json:"role"`
	// SessionID is the session that the token belongs to.
	SessionID string `json:"sid,omitempty"`
	// IssuedMicros is the time of issue in microseconds since 1970: `iat` counts whole seconds, and a token issued in
	// the second in which all older ones were revoked must tell on which side it stands.
	IssuedMicros int64 `json:"iat_us"`
}

// Signer makes tokens with one Ed25519 key.
type Signer struct {
	key    ed25519.PrivateKey
	kid    string
	issuer string
	clock  func() time.Time
}

// NewSigner returns a signer for tokens of issuer: PeopleIssuer, or the name of a service that signs for itself.
func NewSigner(key ed25519.PrivateKey, issuer string, clock func() time.Time) *Signer {
	return &Signer{key: key, kid: KeyID(publicKey(key)), issuer: issuer, clock: clock}
}

// Public returns the key that the signer's tokens are checked with.
func (s *Signer) Public() ed25519.PublicKey { return publicKey(s.key) }

// Issue signs a token for p (ID, Role and SessionID count) that lives for ttl from now. A ttl above the role's
// maximum is an error, because verifiers refuse such tokens.
func (s *Signer) Issue(p Principal, ttl time.Duration) (string, error) {
	if ttl <= 0 || ttl > p.Role.maxLife() {
		return "", fmt.Errorf("identity: a %s token lives between 0 and %s, not %s", p.Role, p.Role.maxLife(), ttl)
	}
	audience := audiencePeople
	if p.Role == RoleService {
		audience = audienceServices
	}
	now := s.clock()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    s.issuer,
			Subject:   p.ID,
			Audience:  jwt.ClaimStrings{audience},
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			IssuedAt:  jwt.NewNumericDate(now),
		},
		Role:         p.Role.String(),
		SessionID:    p.SessionID,
		IssuedMicros: now.UnixMicro(),
	})
	token.Header["kid"] = s.kid
	signed, err := token.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("identity: sign token: %w", err)
	}
	return signed, nil
}

// KeyID is the name under which tokens refer to a key: the start of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
