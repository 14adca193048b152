package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/user"
)

// ErrPasswordChanged says that a password that was checked is no longer the account's.
var ErrPasswordChanged = errors.New("the password was changed meanwhile")

// Credential is what a password is checked against.
type Credential struct {
	UserID string
	Email  string
	// Hash is empty when there is no such account.
	Hash string
	// Generation tells one password of an account from the next.
	Generation int64
}

// CredentialByEmail returns the credential of the account with that e-mail address, or an empty one.
func (s *Store) CredentialByEmail(ctx context.Context, email string) (Credential, error) {
	row, err := s.read.User.Query().Where(user.EmailKey(domain.EmailKey(email))).Only(ctx)
	if entdb.IsNotFound(err) {
		return Credential{}, nil
	}
	if err != nil {
		return Credential{}, fmt.Errorf("find user: %w", err)
	}
	return s.credential(ctx, row)
}

// CredentialOf returns the credential of an account, or an empty one when it was deleted.
func (s *Store) CredentialOf(ctx context.Context, userID string) (Credential, error) {
	row, err := s.read.User.Query().Where(user.ID(userID), user.DeletedAtIsNil()).Only(ctx)
	if entdb.IsNotFound(err) {
		return Credential{}, nil
	}
	if err != nil {
		return Credential{}, fmt.Errorf("read user: %w", err)
	}
	return s.credential(ctx, row)
}

func (s *Store) credential(ctx context.Context, row *entdb.User) (Credential, error) {
	held, err := s.read.Credential.Get(ctx, row.ID)
	if entdb.IsNotFound(err) { // the account went between the two reads
		return Credential{}, nil
	}
	if err != nil {
		return Credential{}, fmt.Errorf("read credential: %w", err)
	}
	return Credential{UserID: row.ID, Email: toUser(row).Email, Hash: held.Hash, Generation: held.Generation}, nil
}

// checkGeneration fails when the password is another one than that of generation. The account is locked.
func checkGeneration(ctx context.Context, tx *database.Tx, userID string, generation int64) error {
	held, err := writer(tx).Credential.Get(ctx, userID)
	if err != nil {
		return fmt.Errorf("read credential: %w", err)
	}
	if held.Generation != generation {
		return ErrPasswordChanged
	}
	return nil
}
