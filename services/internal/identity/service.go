package identity

import (
	"crypto/ed25519"
	"sync"
	"time"
)

// ServiceIdentity is how a service names itself to others: a token of a minute, signed anew when half of it is over.
type ServiceIdentity struct {
	name   string
	signer *Signer

	mu    sync.Mutex
	token string
	renew time.Time
}

// NewServiceIdentity returns the identity of the service name, whose key is key.
func NewServiceIdentity(name string, key ed25519.PrivateKey, clock func() time.Time) *ServiceIdentity {
	return &ServiceIdentity{name: name, signer: NewSigner(key, name, clock)}
}

// Name returns the service's name.
func (s *ServiceIdentity) Name() string { return s.name }

// Token returns a token that is good for half a minute at least.
func (s *ServiceIdentity) Token() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.signer.clock()
	if s.token != "" && now.Before(s.renew) {
		return s.token, nil
	}
	token, err := s.signer.Issue(Principal{ID: s.name, Role: RoleService}, ServiceTokenLife)
	if err != nil {
		return "", err
	}
	s.token, s.renew = token, now.Add(ServiceTokenLife/2)
	return token, nil
}
