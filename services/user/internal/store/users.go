package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/user"
)

// Create stores a new account with its first event and its password's hash, and opens its first session if there is one.
// Errors: EMAIL_TAKEN, also to the slower of two at once.
func (s *Store) Create(ctx context.Context, u domain.User, first domain.Event, hash string, session *NewSession) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		affected, err := tx.Exec(ctx, `
			INSERT INTO users (id, email, email_key, display_name, role, version, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (email_key) DO NOTHING`,
			u.ID, u.Email, domain.EmailKey(u.Email), u.DisplayName, string(u.Role), u.Version, u.CreatedAt, u.UpdatedAt)
		if err != nil {
			return fmt.Errorf("insert user: %w", err)
		}
		if affected == 0 {
			return fault.AlreadyExists("EMAIL_TAKEN", "there is an account with this e-mail address: sign in, or take another one")
		}
		key, wrapped, err := s.vault.NewKey(u.ID)
		if err != nil {
			return err
		}
		client := writer(tx)
		if err := client.PersonKey.Create().SetID(u.ID).SetWrapped(wrapped).SetCreatedAt(u.CreatedAt).Exec(ctx); err != nil {
			return fmt.Errorf("insert person's key: %w", err)
		}
		if err := client.Credential.Create().SetID(u.ID).SetHash(hash).SetChangedAt(u.CreatedAt).Exec(ctx); err != nil {
			return fmt.Errorf("insert credential: %w", err)
		}
		if err := appendEvents(ctx, client, key, []domain.Event{first}); err != nil {
			return err
		}
		if session != nil {
			if err := insertSession(ctx, tx, *session); err != nil {
				return err
			}
		}
		return journal.Append(ctx, tx, &eventv1.UserRegistered{UserId: u.ID, Version: u.Version})
	})
}

// Change decides about an account under its lock. decide changes the account and returns its new events; staff is how many
// accounts are staff, and can't change meanwhile when the account is one of them. Events are announced as far as other
// services need to know. Without events nothing is written.
func (s *Store) Change(ctx context.Context, id string, decide func(u *domain.User, staff int) ([]domain.Event, error)) (domain.User, error) {
	var changed domain.User
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		changed, err = s.change(ctx, tx, id, decide)
		return err
	})
	return changed, err
}

func (s *Store) change(ctx context.Context, tx *database.Tx, id string, decide func(u *domain.User, staff int) ([]domain.Event, error)) (domain.User, error) {
	// Before the account itself, so that two who change staff wait for each other in one order.
	staff, err := lockStaff(ctx, tx)
	if err != nil {
		return domain.User{}, err
	}
	row, err := lockUser(ctx, tx, id)
	if err != nil {
		return domain.User{}, err
	}
	u := toUser(row)
	before := u.Version
	events, err := decide(&u, staff)
	if err != nil || len(events) == 0 {
		return u, err
	}
	client := writer(tx)
	key, err := s.personKey(ctx, client, id)
	if err != nil {
		return domain.User{}, err
	}
	if err := appendEvents(ctx, client, key, events); err != nil {
		return domain.User{}, err
	}
	if err := updateState(ctx, client, before, u); err != nil {
		return domain.User{}, err
	}
	return u, announce(ctx, tx, events)
}

// lockStaff counts the accounts that are staff, and keeps them from being demoted or deleted until the transaction ends.
func lockStaff(ctx context.Context, tx *database.Tx) (int, error) {
	query := `SELECT id FROM users WHERE role = 'STAFF' AND deleted_at IS NULL ORDER BY id` + forUpdate(tx)
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("lock staff: %w", err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		count++
	}
	return count, rows.Err()
}

func updateState(ctx context.Context, client *entdb.Client, before int64, u domain.User) error {
	update := client.User.Update().Where(user.ID(u.ID), user.Version(before)).
		SetDisplayName(u.DisplayName).SetRole(string(u.Role)).SetVersion(u.Version).SetUpdatedAt(u.UpdatedAt)
	if u.Deleted() {
		update.ClearEmail().ClearEmailKey().SetDeletedAt(u.DeletedAt)
	}
	affected, err := update.Save(ctx)
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	if affected != 1 {
		return fmt.Errorf("update user %s: version %d is gone in spite of the lock", u.ID, before)
	}
	return nil
}

// announce tells other services what they need to know of events. Personal data stays here.
func announce(ctx context.Context, tx *database.Tx, events []domain.Event) error {
	var messages []proto.Message
	for _, event := range events {
		switch fact := event.Fact.(type) {
		case domain.RoleChanged:
			messages = append(messages, &eventv1.UserRoleChanged{UserId: event.UserID, Version: event.Version, Role: string(fact.Role)})
		case domain.Deleted:
			messages = append(messages, &eventv1.UserDeleted{UserId: event.UserID, Version: event.Version})
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return journal.Append(ctx, tx, messages...)
}

// User returns an account. Errors: USER_NOT_FOUND, for deleted ones, too.
func (s *Store) User(ctx context.Context, id string) (domain.User, error) {
	row, err := s.read.User.Query().Where(user.ID(id), user.DeletedAtIsNil()).Only(ctx)
	if entdb.IsNotFound(err) {
		return domain.User{}, notFound()
	}
	if err != nil {
		return domain.User{}, fmt.Errorf("read user: %w", err)
	}
	return toUser(row), nil
}

// Users returns up to limit accounts that exist, newest first. UUIDv7 ids are in the order of creation. Those returned come
// after the id before, if one is given, and have the e-mail address email, if one is given.
func (s *Store) Users(ctx context.Context, email, before string, limit int) ([]domain.User, error) {
	query := s.read.User.Query().Where(user.DeletedAtIsNil()).Order(user.ByID(sql.OrderDesc())).Limit(limit)
	if email != "" {
		query.Where(user.EmailKey(domain.EmailKey(email)))
	}
	if before != "" {
		query.Where(user.IDLT(before))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users := make([]domain.User, len(rows))
	for i, row := range rows {
		users[i] = toUser(row)
	}
	return users, nil
}

func toUser(row *entdb.User) domain.User {
	u := domain.User{
		ID: row.ID, DisplayName: row.DisplayName, Role: domain.Role(row.Role), Version: row.Version,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if row.Email != nil {
		u.Email = *row.Email
	}
	if row.DeletedAt != nil {
		u.DeletedAt = row.DeletedAt.UTC()
	}
	return u
}

// Now returns the time as the database keeps it.
func (s *Store) Now() time.Time { return s.db.Now() }
