// Package store keeps what users are told, numbered per user without gaps.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io"
	"io/fs"
	"time"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/notification/internal/ent/db"
	"github.com/taproom-shop/taproom/services/notification/internal/ent/db/notification"
)

//go:embed migrations
var migrations embed.FS

// Migrations are the versioned migrations of the notification service's tables.
func Migrations() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "notification", FS: files}
}

// WriteSchema writes the statements that would make the tables behind drv what the ent schema says: none, when the
// migrations are complete.
func WriteSchema(ctx context.Context, drv dialect.Driver, w io.Writer) error {
	return db.NewClient(db.Driver(drv)).Schema.WriteTo(ctx, w)
}

// Store reads and writes notifications.
type Store struct {
	db   *database.DB
	read *db.Client
}

// New returns a store on an open, migrated database.
func New(database *database.DB) *Store {
	return &Store{db: database, read: db.NewClient(db.Driver(database.Reader()))}
}

// Notification is something that a user is told about an order.
type Notification struct {
	UserID    string
	Number    int64
	EventID   string
	Type      string
	OrderID   string
	State     string
	Version   int64
	Title     string
	CreatedAt time.Time
}

// Mailbox counts a user's notifications.
type Mailbox struct {
	LastNumber int64
	ReadUpTo   int64
}

// Unread is how many were not read yet.
func (m Mailbox) Unread() int64 { return m.LastNumber - m.ReadUpTo }

// Mailbox answers the counts of a user; one who was never told anything has none.
func (s *Store) Mailbox(ctx context.Context, userID string) (Mailbox, error) {
	row, err := s.read.Mailbox.Get(ctx, userID)
	if db.IsNotFound(err) {
		return Mailbox{}, nil
	}
	if err != nil {
		return Mailbox{}, err
	}
	return Mailbox{LastNumber: row.LastNumber, ReadUpTo: row.ReadUpTo}, nil
}

// After answers a user's notifications above a number, the oldest first.
func (s *Store) After(ctx context.Context, userID string, number int64, limit int) ([]Notification, error) {
	rows, err := s.read.Notification.Query().Where(notification.UserID(userID), notification.NumberGT(number)).
		Order(db.Asc(notification.FieldNumber)).Limit(limit).All(ctx)
	return fromRows(rows), err
}

// Before answers a user's notifications below a number (0: the newest) and above another, the newest first.
func (s *Store) Before(ctx context.Context, userID string, below, above int64, limit int) ([]Notification, error) {
	query := s.read.Notification.Query().Where(notification.UserID(userID), notification.NumberGT(above))
	if below > 0 {
		query.Where(notification.NumberLT(below))
	}
	rows, err := query.Order(db.Desc(notification.FieldNumber)).Limit(limit).All(ctx)
	return fromRows(rows), err
}

func fromRows(rows []*db.Notification) []Notification {
	out := make([]Notification, len(rows))
	for i, r := range rows {
		out[i] = Notification{
			UserID: r.UserID, Number: r.Number, EventID: r.EventID, Type: r.Type, OrderID: r.OrderID, State: r.State, Version: r.Version,
			Title: r.Title, CreatedAt: r.CreatedAt.UTC(),
		}
	}
	return out
}

// MarkRead marks everything up to a number as read and answers the counts after it. It never goes back.
func (s *Store) MarkRead(ctx context.Context, userID string, upTo int64) (m Mailbox, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE mailboxes SET read_up_to = CASE WHEN last_number < ? THEN last_number ELSE ? END
			WHERE user_id = ? AND read_up_to < ?`, upTo, upTo, userID, upTo); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `SELECT last_number, read_up_to FROM mailboxes WHERE user_id = ?`, userID).Scan(&m.LastNumber, &m.ReadUpTo)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return m, err
}

// Forget deletes everything that a user was told.
func Forget(ctx context.Context, tx *database.Tx, userID string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM notifications WHERE user_id = ?`, userID); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM mailboxes WHERE user_id = ?`, userID)
	return err
}
