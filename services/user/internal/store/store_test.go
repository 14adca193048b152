package store_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/store"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

// fixture is a store with its database.
type fixture struct {
	*store.Store
	db *database.DB
	t  testing.TB
}

func each(t *testing.T, test func(t *testing.T, f fixture)) {
	databasetest.Each(t, []database.Migrations{journal.Migrations, store.Migrations}, func(t *testing.T, db *database.DB) {
		keys, err := vault.New(bytes.Repeat([]byte{7}, vault.KeySize))
		require.NoError(t, err)
		test(t, fixture{Store: store.New(db, keys), db: db, t: t})
	})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// create opens an account without a session.
func (f fixture) create(email string, role domain.Role) domain.User {
	f.t.Helper()
	u, first := domain.Register(newID(), email, "Name of "+email, role, f.Now())
	require.NoError(f.t, f.Create(f.t.Context(), u, first, "hash", nil))
	return u
}

// opening is a session to be opened whose refresh token has the given hash.
func (f fixture) opening(subject string, guest bool, hash string) store.Opening {
	now := f.Now()
	return store.Opening{
		Session:   domain.Session{ID: newID(), SubjectID: subject, Guest: guest, CreatedAt: now, ExpiresAt: now.Add(domain.SessionLife)},
		TokenHash: hash,
		Issue:     issue,
	}
}

func issue(domain.Session, domain.Role) error { return nil }

// login opens a session of an account and returns its id.
func (f fixture) login(u domain.User, hash string) string {
	f.t.Helper()
	open := f.opening(u.ID, false, hash)
	held, err := f.CredentialOf(f.t.Context(), u.ID)
	require.NoError(f.t, err)
	_, err = f.OpenSession(f.t.Context(), held, "", open)
	require.NoError(f.t, err)
	return open.Session.ID
}

// outbox returns what was announced, oldest first.
func (f fixture) outbox() []proto.Message {
	f.t.Helper()
	rows, err := f.db.Query(f.t.Context(), `SELECT type, payload FROM outbox ORDER BY id`)
	require.NoError(f.t, err)
	defer rows.Close()
	var messages []proto.Message
	for rows.Next() {
		var name string
		var payload []byte
		require.NoError(f.t, rows.Scan(&name, &payload))
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
		require.NoError(f.t, err)
		message := kind.New().Interface()
		require.NoError(f.t, proto.Unmarshal(payload, message))
		messages = append(messages, message)
	}
	require.NoError(f.t, rows.Err())
	return messages
}

// announced returns what was announced of one type.
func announced[T proto.Message](f fixture) []T {
	var found []T
	for _, message := range f.outbox() {
		if m, ok := message.(T); ok {
			found = append(found, m)
		}
	}
	return found
}

func (f fixture) exec(statement string, args ...any) error {
	return f.db.Tx(f.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	})
}

func (f fixture) count(query string, args ...any) int {
	f.t.Helper()
	var n int
	require.NoError(f.t, f.db.QueryRow(f.t.Context(), query, args...).Scan(&n))
	return n
}

func TestMigrationsAreCurrent(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		databasetest.AssertCurrent(t, f.db, func(ctx context.Context, driver dialect.Driver, w io.Writer) error {
			return entdb.NewClient(entdb.Driver(driver)).Schema.WriteTo(ctx, w)
		})
	})
}

func TestHistoryIsAppendOnly(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		require.ErrorContains(t, f.exec(`UPDATE user_events SET role = 'STAFF' WHERE user_id = ?`, u.ID), "only ever added")
		require.ErrorContains(t, f.exec(`DELETE FROM user_events WHERE user_id = ?`, u.ID), "only ever added")
		require.Error(t, f.exec(`INSERT INTO user_events (id, user_id, version, type, actor_id, role, occurred_at) VALUES (?, ?, 1, 'x', 'x', '', ?)`,
			newID(), u.ID, time.Now().UTC()), "a version is taken once")
	})
}
