// Package service answers the calls to the user service.
package service

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/password"
	"github.com/taproom-shop/taproom/services/user/internal/store"
	"github.com/taproom-shop/taproom/services/user/internal/throttle"
)

// User is the UserService.
type User struct {
	Store    *store.Store
	Hasher   *password.Hasher
	Throttle *throttle.Throttle
	Signer   *identity.Signer
	Clock    func() time.Time
	// Origins decides which pages of a browser may use the cookie.
	Origins *http.CrossOriginProtection
	// SecureCookies makes cookies secure also when the request doesn't say that it came by TLS.
	SecureCookies bool
	// Orders and Wallets are held before an account is deleted.
	Orders  orderv1connect.OrderStateServiceClient
	Wallets paymentv1connect.PaymentStateServiceClient
}

// Register opens an account and its first session.
func (s *User) Register(ctx context.Context, req *userv1.RegisterRequest) (*userv1.RegisterResponse, error) {
	if err := s.checkCookieUse(ctx, req.GetUseCookie()); err != nil {
		return nil, err
	}
	name, err := displayName(req.GetDisplayName())
	if err != nil {
		return nil, err
	}
	if err := domain.CheckPassword(req.GetPassword(), req.GetEmail(), "password"); err != nil {
		return nil, err
	}
	// That an address is taken tells that there is an account: this is counted like a wrong password.
	attempt, err := s.Throttle.Begin(ctx, "", clientAddress(ctx))
	if err != nil {
		return nil, err
	}
	account, issued, err := s.register(ctx, req.GetEmail(), name, req.GetPassword())
	if fault.ReasonOf(err) != "EMAIL_TAKEN" {
		attempt.Succeeded(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &userv1.RegisterResponse{
		User:    userToProto(account),
		Session: s.deliver(ctx, issued, req.GetUseCookie()),
	}, nil
}

func (s *User) register(ctx context.Context, email, name, password string) (domain.User, *issued, error) {
	hash, err := s.Hasher.Hash(ctx, password)
	if err != nil {
		return domain.User{}, nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return domain.User{}, nil, err
	}
	account, first := domain.Register(id.String(), email, name, domain.Customer, s.Store.Now())
	issued, opening, err := s.open(account.ID, false)
	if err != nil {
		return domain.User{}, nil, err
	}
	return account, issued, s.Store.Create(ctx, account, first, hash, &opening)
}

// Login opens a session for who knows the password.
func (s *User) Login(ctx context.Context, req *userv1.LoginRequest) (*userv1.LoginResponse, error) {
	if err := s.checkCookieUse(ctx, req.GetUseCookie()); err != nil {
		return nil, err
	}
	attempt, err := s.Throttle.Begin(ctx, domain.EmailKey(req.GetEmail()), clientAddress(ctx))
	if err != nil {
		return nil, err
	}
	account, issued, err := s.login(ctx, req.GetEmail(), req.GetPassword())
	if errors.Is(err, store.ErrPasswordChanged) || fault.ReasonOf(err) == "USER_NOT_FOUND" {
		err = credentialsInvalid(fault.Unauthenticated) // the account changed while its password was checked
	}
	if fault.ReasonOf(err) != reasonCredentials {
		attempt.Succeeded(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &userv1.LoginResponse{
		User:    userToProto(account),
		Session: s.deliver(ctx, issued, req.GetUseCookie()),
	}, nil
}

func (s *User) login(ctx context.Context, email, password string) (domain.User, *issued, error) {
	held, err := s.Store.CredentialByEmail(ctx, email)
	if err != nil {
		return domain.User{}, nil, err
	}
	ok, stale, err := s.Hasher.Verify(ctx, password, held.Hash)
	if err != nil {
		return domain.User{}, nil, err
	}
	if !ok {
		return domain.User{}, nil, credentialsInvalid(fault.Unauthenticated)
	}
	rehash := ""
	if stale {
		if rehash, err = s.Hasher.Hash(ctx, password); err != nil {
			return domain.User{}, nil, err
		}
	}
	issued, opening, err := s.open(held.UserID, false)
	if err != nil {
		return domain.User{}, nil, err
	}
	account, err := s.Store.OpenSession(ctx, held, rehash, opening)
	return account, issued, err
}

// StartGuest opens a session without an account.
func (s *User) StartGuest(ctx context.Context, req *userv1.StartGuestRequest) (*userv1.StartGuestResponse, error) {
	if err := s.checkCookieUse(ctx, req.GetUseCookie()); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	issued, opening, err := s.open(id.String(), true)
	if err != nil {
		return nil, err
	}
	if err := s.Store.OpenGuestSession(ctx, opening); err != nil {
		return nil, err
	}
	return &userv1.StartGuestResponse{Session: s.deliver(ctx, issued, req.GetUseCookie())}, nil
}

// RefreshSession changes a refresh token, of the message or else of the cookie, for new tokens. There is no grace for a
// second use, however soon: who sends two at once keeps one refresh in flight instead.
func (s *User) RefreshSession(ctx context.Context, req *userv1.RefreshSessionRequest) (*userv1.RefreshSessionResponse, error) {
	token := req.GetRefreshToken()
	byCookie := token == ""
	if byCookie {
		token = refreshCookie(ctx)
		if err := s.checkCookieUse(ctx, true); err != nil {
			return nil, err
		}
	}
	issued, opening, err := s.next()
	if err != nil {
		return nil, err
	}
	if err := s.Store.Refresh(ctx, hashToken(token), opening.TokenHash, opening.Issue); err != nil {
		if byCookie && fault.KindOf(err) == fault.KindUnauthenticated {
			s.clearCookie(ctx)
		}
		return nil, err
	}
	return &userv1.RefreshSessionResponse{Session: s.deliver(ctx, issued, byCookie)}, nil
}

// Logout ends the caller's session, or all sessions.
func (s *User) Logout(ctx context.Context, req *userv1.LogoutRequest) (*userv1.LogoutResponse, error) {
	caller := identity.Must(ctx)
	var err error
	if req.GetAllSessions() {
		err = s.Store.EndAllSessions(ctx, caller.ID)
	} else {
		err = s.Store.EndSession(ctx, caller.ID, caller.SessionID)
	}
	if err != nil {
		return nil, err
	}
	s.clearCookie(ctx)
	return &userv1.LogoutResponse{}, nil
}
