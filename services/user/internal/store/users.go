package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
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

// Create stores a new account with its first event and its password's hash. open opens its first session in the same
// transaction; nil opens none. Errors: EMAIL_TAKEN, also to the slower of two at once.
func (s *Store) Create(ctx context.Context, u domain.User, first domain.Event, hash string, open *Opening) error {
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
		if open != nil {
			if err := insertSession(ctx, tx, *open, u.Role); err != nil {
				return err
			}
		}
		return journal.Append(ctx, tx, &eventv1.UserRegistered{UserId: u.ID, Version: u.Version})
	})
}

// Change decides about an account under its lock. decide changes the account and returns its new events; without any
// nothing is written. It returns the account as it is afterwards. Errors: USER_NOT_FOUND, and those of decide.
func (s *Store) Change(ctx context.Context, id string, decide func(u *domain.User) ([]domain.Event, error)) (domain.User, error) {
	var changed domain.User
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		changed, _, err = s.change(ctx, tx, id, decide)
		return err
	})
	return changed, err
}

// SetRole changes what an account may do, and ends its sessions, whose tokens carry the role.
// Errors: USER_NOT_FOUND, LAST_STAFF.
func (s *Store) SetRole(ctx context.Context, id string, role domain.Role, actor string) (domain.User, error) {
	var changed domain.User
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		staff, err := lockStaff(ctx, tx)
		if err != nil {
			return err
		}
		var events []domain.Event
		changed, events, err = s.change(ctx, tx, id, func(u *domain.User) ([]domain.Event, error) {
			return u.ChangeRole(role, staff, actor, tx.Now())
		})
		if err != nil || len(events) == 0 {
			return err
		}
		return endAllSessions(ctx, tx, id)
	})
	return changed, err
}

// ChangePassword replaces the hash that was read with the given generation, and ends all sessions but keep.
// Errors: USER_NOT_FOUND; ErrPasswordChanged when there is another password by now.
func (s *Store) ChangePassword(ctx context.Context, id string, generation int64, hash, keep string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := tx.Now()
		_, _, err := s.change(ctx, tx, id, func(u *domain.User) ([]domain.Event, error) {
			return u.ChangePassword(id, now), nil
		})
		if err != nil {
			return err
		}
		affected, err := tx.Exec(ctx,
			`UPDATE credentials SET hash = ?, generation = generation + 1, changed_at = ? WHERE id = ? AND generation = ?`,
			hash, now, id, generation)
		if err != nil {
			return fmt.Errorf("update credential: %w", err)
		}
		if affected == 0 {
			return ErrPasswordChanged
		}
		return endOtherSessions(ctx, tx, id, keep)
	})
}

// Delete ends an account for good: its key goes, and with it whatever the history knows about the person; its addresses,
// sessions and password go; and its state keeps nothing that tells whose it was.
// Errors: USER_NOT_FOUND, LAST_STAFF; ErrPasswordChanged when there is another password than the one of generation.
func (s *Store) Delete(ctx context.Context, id string, generation int64) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		staff, err := lockStaff(ctx, tx)
		if err != nil {
			return err
		}
		_, _, err = s.change(ctx, tx, id, func(u *domain.User) ([]domain.Event, error) {
			return u.Delete(staff, id, tx.Now())
		})
		if err != nil {
			return err
		}
		affected, err := tx.Exec(ctx, `DELETE FROM credentials WHERE id = ? AND generation = ?`, id, generation)
		if err != nil {
			return fmt.Errorf("delete credential: %w", err)
		}
		if affected == 0 {
			return ErrPasswordChanged
		}
		if err := endAllSessions(ctx, tx, id); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM person_keys WHERE id = ?`,
			`DELETE FROM addresses WHERE user_id = ?`,
			`DELETE FROM sessions WHERE subject_id = ?`,
		} {
			if _, err := tx.Exec(ctx, statement, id); err != nil {
				return fmt.Errorf("delete what belongs to user %s: %w", id, err)
			}
		}
		return nil
	})
}

// change is Change inside a transaction; it returns the new events as well.
func (s *Store) change(ctx context.Context, tx *database.Tx, id string, decide func(u *domain.User) ([]domain.Event, error)) (domain.User, []domain.Event, error) {
	row, err := lockUser(ctx, tx, id)
	if err != nil {
		return domain.User{}, nil, err
	}
	u := toUser(row)
	events, err := decide(&u)
	if err != nil || len(events) == 0 {
		return u, nil, err
	}
	client := writer(tx)
	key, err := s.personKey(ctx, client, id)
	if err != nil {
		return u, nil, err
	}
	if err := appendEvents(ctx, client, key, events); err != nil {
		return u, nil, err
	}
	if err := updateState(ctx, client, row.Version, u); err != nil {
		return u, nil, err
	}
	return u, events, announce(ctx, tx, events)
}

// lockStaff counts the accounts that are staff, and keeps them from being demoted or deleted until the transaction ends. It
// comes before the lock of a single account, so that those who change staff wait for each other in one order.
func lockStaff(ctx context.Context, tx *database.Tx) (int, error) {
	query := `SELECT id FROM users WHERE role = 'STAFF' AND deleted_at IS NULL ORDER BY id`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return 0, fmt.Errorf("lock staff: %w", err)
	}
	defer func() { _ = rows.Close() }()
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
