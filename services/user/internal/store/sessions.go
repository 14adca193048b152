package store

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/predicate"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/session"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/user"
)

// keepEnded is how long sessions that ended early are kept, for those who look into what happened.
const keepEnded = 24 * time.Hour

// Issue makes an access token for a session. It runs inside the transaction that locks the session: whoever ends it later
// waits for the commit, so that the revocation is younger than the token.
type Issue func(s domain.Session, role domain.Role) error

// Opening is a session that is to be opened.
type Opening struct {
	Session   domain.Session
	TokenHash string // of its first refresh token
	Issue     Issue
}

// OpenSession opens a session of an account whose password was just checked. A rehash, if there is one, replaces the hash
// of the same password. It returns the account. Errors: USER_NOT_FOUND, ErrPasswordChanged.
func (s *Store) OpenSession(ctx context.Context, checked Credential, rehash string, open Opening) (domain.User, error) {
	var opened domain.User
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		row, err := lockUser(ctx, tx, checked.UserID)
		if err != nil {
			return err
		}
		opened = toUser(row)
		if err := checkGeneration(ctx, tx, checked.UserID, checked.Generation); err != nil {
			return err
		}
		if rehash != "" {
			if _, err := tx.Exec(ctx, `UPDATE credentials SET hash = ? WHERE id = ?`, rehash, checked.UserID); err != nil {
				return fmt.Errorf("update hash: %w", err)
			}
		}
		if err := insertSession(ctx, tx, open, opened.Role); err != nil {
			return err
		}
		return endSurplus(ctx, tx, checked.UserID)
	})
	return opened, err
}

// OpenGuestSession opens a session without an account.
func (s *Store) OpenGuestSession(ctx context.Context, open Opening) error {
	return s.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return insertSession(ctx, tx, open, domain.Guest)
	})
}

func insertSession(ctx context.Context, tx *database.Tx, open Opening, role domain.Role) error {
	now := tx.Now()
	client := writer(tx)
	err := client.Session.Create().SetID(open.Session.ID).
		SetSubjectID(open.Session.SubjectID).SetGuest(open.Session.Guest).
		SetCreatedAt(open.Session.CreatedAt).SetExpiresAt(open.Session.ExpiresAt).SetIssuedAt(now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	if err := insertToken(ctx, client, open.TokenHash, open.Session.ID, now); err != nil {
		return err
	}
	return open.Issue(open.Session, role)
}

func insertToken(ctx context.Context, client *entdb.Client, hash, sessionID string, now time.Time) error {
	if err := client.RefreshToken.Create().SetID(hash).SetSessionID(sessionID).SetIssuedAt(now).Exec(ctx); err != nil {
		return fmt.Errorf("insert refresh token: %w", err)
	}
	return nil
}

// Refresh uses up a refresh token and puts the next one in its place. A token that was used before ends its session: either
// the caller or whoever used it first has stolen it. Of two callers at once one is the second.
// Errors: REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED.
func (s *Store) Refresh(ctx context.Context, hash, nextHash string, issue Issue) error {
	token, err := s.read.RefreshToken.Get(ctx, hash)
	if entdb.IsNotFound(err) {
		return tokenInvalid()
	}
	if err != nil {
		return fmt.Errorf("find refresh token: %w", err)
	}
	reused := false
	err = s.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		reused = false
		now := tx.Now()
		live, err := tx.Exec(ctx, `UPDATE sessions SET issued_at = ? WHERE id = ? AND ended_at IS NULL AND expires_at > ?`,
			now, token.SessionID, now)
		if err != nil {
			return fmt.Errorf("lock session: %w", err)
		}
		if live == 0 {
			return tokenInvalid()
		}
		client := writer(tx)
		row, err := client.Session.Get(ctx, token.SessionID)
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		fresh, err := tx.Exec(ctx, `UPDATE refresh_tokens SET used_at = ? WHERE id = ? AND used_at IS NULL`, now, hash)
		if err != nil {
			return fmt.Errorf("use refresh token: %w", err)
		}
		if fresh == 0 {
			reused = true
			return endSessions(ctx, tx, row.SubjectID, false, session.ID(row.ID))
		}
		role, err := roleOf(ctx, client, row)
		if err != nil {
			return err
		}
		if err := insertToken(ctx, client, nextHash, row.ID, now); err != nil {
			return err
		}
		return issue(toSession(row), role)
	})
	if err == nil && reused {
		return fault.Unauthenticated("REFRESH_TOKEN_REUSED", "this refresh token was used before, so its session has ended: sign in again")
	}
	return err
}

func roleOf(ctx context.Context, client *entdb.Client, row *entdb.Session) (domain.Role, error) {
	if row.Guest {
		return domain.Guest, nil
	}
	owner, err := client.User.Query().Where(user.ID(row.SubjectID), user.DeletedAtIsNil()).Only(ctx)
	if entdb.IsNotFound(err) {
		return "", tokenInvalid()
	}
	if err != nil {
		return "", fmt.Errorf("read user: %w", err)
	}
	return domain.Role(owner.Role), nil
}

func tokenInvalid() error {
	return fault.Unauthenticated("REFRESH_TOKEN_INVALID", "this refresh token is not, or no longer, good: sign in again")
}

// EndSession ends one session of a user or guest. One that has ended, or isn't theirs, stays as it is.
func (s *Store) EndSession(ctx context.Context, subjectID, sessionID string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return endSessions(ctx, tx, subjectID, false, session.ID(sessionID))
	})
}

// EndAllSessions ends every session of a user or guest.
func (s *Store) EndAllSessions(ctx context.Context, subjectID string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return endAllSessions(ctx, tx, subjectID)
	})
}

func endAllSessions(ctx context.Context, tx *database.Tx, subjectID string) error {
	return endSessions(ctx, tx, subjectID, true)
}

func endOtherSessions(ctx context.Context, tx *database.Tx, subjectID, keep string) error {
	return endSessions(ctx, tx, subjectID, false, session.IDNEQ(keep))
}

// endSurplus ends what an account has in sessions above the maximum. The account is locked.
func endSurplus(ctx context.Context, tx *database.Tx, subjectID string) error {
	surplus, err := writer(tx).Session.Query().
		Where(session.SubjectID(subjectID), session.EndedAtIsNil()).
		Order(session.ByIssuedAt(sql.OrderDesc()), session.ByID(sql.OrderDesc())).
		Offset(domain.MaxSessions).Limit(domain.MaxSessions).IDs(ctx)
	if err != nil || len(surplus) == 0 {
		return err
	}
	return endSessions(ctx, tx, subjectID, false, session.IDIn(surplus...))
}

// endSessions ends sessions of a subject and tells every service, so that their access tokens are refused as well. Each is
// named, since a session's name refuses all of its tokens whatever the clock of the replica that issued them; all says that
// tokens of no session may be left.
func endSessions(ctx context.Context, tx *database.Tx, subjectID string, all bool, which ...predicate.Session) error {
	client := writer(tx)
	query := client.Session.Query().
		Where(session.SubjectID(subjectID), session.EndedAtIsNil()).Where(which...).Order(session.ByID())
	if tx.Dialect() == dialect.Postgres {
		query.ForUpdate()
	}
	rows, err := query.All(ctx)
	if err != nil {
		return fmt.Errorf("lock sessions: %w", err)
	}
	now := tx.Now() // after the wait for locks: no token of these sessions is younger
	var messages []proto.Message
	if all {
		messages = append(messages, &eventv1.UserSessionsRevoked{UserId: subjectID, RevokedAt: timestamppb.New(now)})
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		if now.Sub(row.IssuedAt) <= identity.AccessTokenLife+2*identity.Leeway {
			messages = append(messages, &eventv1.UserSessionsRevoked{UserId: subjectID, SessionId: row.ID, RevokedAt: timestamppb.New(now)})
		}
	}
	if len(ids) > 0 {
		if err := client.Session.Update().Where(session.IDIn(ids...)).SetEndedAt(now).Exec(ctx); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return journal.Append(ctx, tx, messages...)
}

// PruneSessions forgets some of the sessions that have expired, or ended a day ago, with their tokens; more says that there
// may be others. Replicas that do so at once share the work or repeat it; old sessions never become young again.
func (s *Store) PruneSessions(ctx context.Context) (more bool, err error) {
	const batch = 500
	now := s.db.Now()
	ids, err := s.read.Session.Query().
		Where(session.Or(session.ExpiresAtLT(now), session.EndedAtLT(now.Add(-keepEnded)))).
		Limit(batch).IDs(ctx)
	if err != nil {
		return false, fmt.Errorf("find old sessions: %w", err)
	}
	if len(ids) == 0 {
		return false, nil
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := writer(tx).Session.Delete().Where(session.IDIn(ids...)).Exec(ctx)
		return err
	})
	return len(ids) == batch, err
}

func toSession(row *entdb.Session) domain.Session {
	return domain.Session{
		ID: row.ID, SubjectID: row.SubjectID, Guest: row.Guest,
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
	}
}
