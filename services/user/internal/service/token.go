package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

// issued is a session with the tokens that are about to be given out for it.
type issued struct {
	session   domain.Session
	role      domain.Role
	access    string
	expiresAt time.Time // of the access token
	refresh   string
}

// open prepares a new session of a user or guest.
func (s *User) open(subjectID string, guest bool) (*issued, store.Opening, error) {
	tokens, opening, err := s.next()
	if err != nil {
		return nil, store.Opening{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, store.Opening{}, err
	}
	now := s.Store.Now()
	opening.Session = domain.Session{
		ID: id.String(), SubjectID: subjectID, Guest: guest,
		CreatedAt: now, ExpiresAt: now.Add(domain.SessionLife),
	}
	return tokens, opening, nil
}

// next prepares the next pair of tokens. The access token is made when the store calls Issue, under the session's lock.
func (s *User) next() (*issued, store.Opening, error) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	tokens := &issued{refresh: base64.RawURLEncoding.EncodeToString(secret)}
	issue := func(session domain.Session, role domain.Role) error {
		kind, known := identity.ParseRole(string(role))
		if !known {
			return fmt.Errorf("session %s has the unknown role %q", session.ID, role)
		}
		now := s.Clock()
		life := min(identity.AccessTokenLife, session.ExpiresAt.Sub(now))
		access, err := s.Signer.Issue(identity.Principal{ID: session.SubjectID, Role: kind, SessionID: session.ID}, life)
		if err != nil {
			return err
		}
		tokens.session, tokens.role, tokens.access = session, role, access
		tokens.expiresAt = now.Add(life).Truncate(time.Second) // tokens count whole seconds
		return nil
	}
	return tokens, store.Opening{TokenHash: hashToken(tokens.refresh), Issue: issue}, nil
}

// deliver returns the tokens for the answer, the refresh token in the cookie if that was asked for.
func (s *User) deliver(ctx context.Context, tokens *issued, byCookie bool) *userv1.Session {
	session := &userv1.Session{
		AccessToken: tokens.access,
		ExpiresAt:   timestamppb.New(tokens.expiresAt),
		SubjectId:   tokens.session.SubjectID,
		Role:        roleToProto(tokens.role),
	}
	if byCookie {
		s.setCookie(ctx, tokens.refresh, tokens.session.ExpiresAt)
	} else {
		session.RefreshToken = tokens.refresh
	}
	return session
}

// hashToken is what the store knows of a refresh token. A token has 256 random bits, so that a fast hash is enough.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
