package service

import (
	"context"
	"errors"
	"strings"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

const reasonCredentials = "CREDENTIALS_INVALID"

func credentialsInvalid(kind func(reason, format string, args ...any) *fault.Error) error {
	return kind(reasonCredentials, "e-mail address or password is wrong")
}

// GetProfile returns the caller's account.
func (s *User) GetProfile(ctx context.Context, _ *userv1.GetProfileRequest) (*userv1.GetProfileResponse, error) {
	account, err := s.Store.User(ctx, identity.Must(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &userv1.GetProfileResponse{User: userToProto(account)}, nil
}

// UpdateProfile changes the caller's display name.
func (s *User) UpdateProfile(ctx context.Context, req *userv1.UpdateProfileRequest) (*userv1.UpdateProfileResponse, error) {
	name, err := displayName(req.GetDisplayName())
	if err != nil {
		return nil, err
	}
	caller := identity.Must(ctx)
	account, err := s.Store.Change(ctx, caller.ID, func(u *domain.User) ([]domain.Event, error) {
		return u.Rename(name, caller.ID, s.Store.Now()), nil
	})
	if err != nil {
		return nil, err
	}
	return &userv1.UpdateProfileResponse{User: userToProto(account)}, nil
}

// ChangePassword changes the caller's password and ends all other sessions. The caller's own goes on with the tokens it has.
func (s *User) ChangePassword(ctx context.Context, req *userv1.ChangePasswordRequest) (*userv1.ChangePasswordResponse, error) {
	caller := identity.Must(ctx)
	held, err := s.checkPassword(ctx, caller.ID, req.GetCurrentPassword())
	if err != nil {
		return nil, err
	}
	if err := domain.CheckPassword(req.GetNewPassword(), held.Email, "new_password"); err != nil {
		return nil, err
	}
	hash, err := s.Hasher.Hash(ctx, req.GetNewPassword())
	if err != nil {
		return nil, err
	}
	if err := s.Store.ChangePassword(ctx, caller.ID, held.Generation, hash, caller.SessionID); err != nil {
		return nil, passwordError(err)
	}
	return &userv1.ChangePasswordResponse{}, nil
}

// checkPassword checks the caller's own password once more.
func (s *User) checkPassword(ctx context.Context, userID, password string) (store.Credential, error) {
	attempt, err := s.Throttle.Begin(ctx, userID, clientAddress(ctx))
	if err != nil {
		return store.Credential{}, err
	}
	held, err := s.Store.CredentialOf(ctx, userID)
	ok := false
	if err == nil {
		ok, _, err = s.Hasher.Verify(ctx, password, held.Hash)
	}
	if err == nil && !ok {
		return store.Credential{}, credentialsInvalid(fault.PermissionDenied)
	}
	attempt.Succeeded(ctx)
	return held, err
}

func passwordError(err error) error {
	if errors.Is(err, store.ErrPasswordChanged) {
		return credentialsInvalid(fault.PermissionDenied)
	}
	return err
}

// displayName returns a name without the white space around it.
func displayName(name string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		const message = "write a name that is more than white space"
		return "", fault.Invalid("DISPLAY_NAME_BLANK", message).WithField("display_name", message)
	}
	return name, nil
}
