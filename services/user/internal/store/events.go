package store

import (
	"context"
	"encoding/json"
	"fmt"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/userevent"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

// personal is what is sealed in an event.
type personal struct {
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
}

// appendEvents adds events to the history. That no other writer takes the same version, a unique index makes sure.
func appendEvents(ctx context.Context, client *entdb.Client, key vault.PersonKey, events []domain.Event) error {
	rows := make([]*entdb.UserEventCreate, len(events))
	for i, event := range events {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows[i] = client.UserEvent.Create().SetID(id.String()).
			SetUserID(event.UserID).SetVersion(event.Version).SetType(event.Fact.Type()).
			SetActorID(event.ActorID).SetOccurredAt(event.OccurredAt)
		var about personal
		switch fact := event.Fact.(type) {
		case domain.Registered:
			about = personal{Email: fact.Email, DisplayName: fact.DisplayName}
			rows[i].SetRole(string(fact.Role))
		case domain.ProfileUpdated:
			about = personal{DisplayName: fact.DisplayName}
		case domain.RoleChanged:
			rows[i].SetRole(string(fact.Role))
		}
		if about != (personal{}) {
			data, err := json.Marshal(about)
			if err != nil {
				return err
			}
			rows[i].SetSealed(key.Seal(data, place(event.UserID, event.Version)))
		}
	}
	if err := client.UserEvent.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	return nil
}

// place binds sealed data to its row.
func place(userID string, version int64) string { return fmt.Sprintf("%s/%d", userID, version) }

// personKey reads the key of an account that exists.
func (s *Store) personKey(ctx context.Context, client *entdb.Client, userID string) (vault.PersonKey, error) {
	row, err := client.PersonKey.Get(ctx, userID)
	if err != nil {
		return vault.PersonKey{}, fmt.Errorf("read the key of user %s: %w", userID, err)
	}
	return s.vault.Unwrap(userID, row.Wrapped)
}

// History returns up to limit events of an account with versions above after, oldest first, without personal data; of
// deleted accounts, too. Errors: USER_NOT_FOUND when there never was such an account.
func (s *Store) History(ctx context.Context, userID string, after int64, limit int) ([]domain.Event, error) {
	rows, err := s.read.UserEvent.Query().
		Where(userevent.UserID(userID), userevent.VersionGT(after)).
		Order(userevent.ByVersion()).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	if len(rows) == 0 && after == 0 {
		return nil, notFound()
	}
	events := make([]domain.Event, len(rows))
	for i, row := range rows {
		if events[i], err = toEvent(row, personal{}); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Rebuild makes the state of an account from its events alone. Of a deleted one the personal data is gone.
// Errors: USER_NOT_FOUND.
func (s *Store) Rebuild(ctx context.Context, userID string) (domain.User, error) {
	wrapped, err := s.read.PersonKey.Get(ctx, userID)
	if err != nil && !entdb.IsNotFound(err) {
		return domain.User{}, fmt.Errorf("read the key of user %s: %w", userID, err)
	}
	rows, err := s.read.UserEvent.Query().Where(userevent.UserID(userID)).Order(userevent.ByVersion(sql.OrderAsc())).All(ctx)
	if err != nil {
		return domain.User{}, fmt.Errorf("list events: %w", err)
	}
	if len(rows) == 0 {
		return domain.User{}, notFound()
	}
	events := make([]domain.Event, len(rows))
	for i, row := range rows {
		var about personal
		if wrapped != nil && len(row.Sealed) > 0 {
			if about, err = s.open(row, wrapped.Wrapped); err != nil {
				return domain.User{}, err
			}
		}
		if events[i], err = toEvent(row, about); err != nil {
			return domain.User{}, err
		}
	}
	return domain.Fold(events)
}

func (s *Store) open(row *entdb.UserEvent, wrapped []byte) (about personal, err error) {
	key, err := s.vault.Unwrap(row.UserID, wrapped)
	if err != nil {
		return about, err
	}
	data, err := key.Open(row.Sealed, place(row.UserID, row.Version))
	if err != nil {
		return about, err
	}
	return about, json.Unmarshal(data, &about)
}

func toEvent(row *entdb.UserEvent, about personal) (domain.Event, error) {
	event := domain.Event{UserID: row.UserID, Version: row.Version, ActorID: row.ActorID, OccurredAt: row.OccurredAt.UTC()}
	switch row.Type {
	case domain.TypeRegistered:
		event.Fact = domain.Registered{Email: about.Email, DisplayName: about.DisplayName, Role: domain.Role(row.Role)}
	case domain.TypeProfileUpdated:
		event.Fact = domain.ProfileUpdated{DisplayName: about.DisplayName}
	case domain.TypePasswordChanged:
		event.Fact = domain.PasswordChanged{}
	case domain.TypeRoleChanged:
		event.Fact = domain.RoleChanged{Role: domain.Role(row.Role)}
	case domain.TypeDeleted:
		event.Fact = domain.Deleted{}
	default:
		return event, fmt.Errorf("event %d of user %s has the unknown type %q", row.Version, row.UserID, row.Type)
	}
	return event, nil
}
