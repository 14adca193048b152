package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Record is an event in the outbox.
type Record struct {
	ID        string
	Seq       int64 // grows within a database; taken before the commit, so it has gaps that may still be filled
	Subject   string
	Stream    string
	Aggregate string // the subject's last token
	Type      string
	Payload   []byte
	Headers   map[string]string // traceparent and tracestate, when the event was made within a trace
	CreatedAt time.Time
	Attempts  int    // failed ones
	LastError string // of the last failed attempt
}

const recordColumns = "id, seq, subject, stream, aggregate, type, payload, headers, created_at, attempts, last_error"

const pendingQuery = "SELECT " + recordColumns + ` FROM outbox AS o
	WHERE published_at IS NULL AND set_aside_at IS NULL AND NOT EXISTS (
		SELECT 1 FROM outbox AS b
		WHERE b.aggregate = o.aggregate AND b.seq < o.seq AND b.published_at IS NULL AND b.set_aside_at IS NOT NULL)
	ORDER BY seq LIMIT ?`

// Pending returns events that are to be published, oldest first, at most limit. It leaves out those set aside and the later
// ones of the same aggregate.
func Pending(ctx context.Context, db *database.DB, limit int) ([]Record, error) {
	return records(ctx, db, pendingQuery, limit)
}

// SetAside returns the events that could not be published and wait for somebody to look at them, oldest first, at most limit.
func SetAside(ctx context.Context, db *database.DB, limit int) ([]Record, error) {
	return records(ctx, db, "SELECT "+recordColumns+` FROM outbox
		WHERE published_at IS NULL AND set_aside_at IS NOT NULL ORDER BY seq LIMIT ?`, limit)
}

// MarkPublished notes that the broker has taken the events.
func MarkPublished(ctx context.Context, db *database.DB, ids []string, now time.Time) error {
	return update(ctx, db, ids, "UPDATE outbox SET published_at = ?, set_aside_at = NULL, last_error = '' WHERE published_at IS NULL AND id IN ", now.UTC())
}

// MarkFailed notes a failed attempt to publish an event. With setAside it and the later events of its aggregate are not
// tried again until Restore.
func MarkFailed(ctx context.Context, db *database.DB, id string, cause error, setAside bool, now time.Time) error {
	var at *time.Time
	if setAside {
		now = now.UTC()
		at = &now
	}
	return db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE outbox SET attempts = attempts + 1, last_error = ?, set_aside_at = ? WHERE published_at IS NULL AND id = ?",
			cause.Error(), at, id)
		return err
	})
}

// Restore has events that were set aside tried again.
func Restore(ctx context.Context, db *database.DB, ids []string) error {
	err := update(ctx, db, ids, "UPDATE outbox SET set_aside_at = NULL, attempts = 0 WHERE published_at IS NULL AND id IN ")
	db.Signal(outboxSignal).Notify()
	return err
}

// Republish has everything published at or after since published again, for a broker that may have lost it, and returns
// how many events that are. Their ids make it harmless.
func Republish(ctx context.Context, db *database.DB, since time.Time) (n int64, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		tx.AfterCommit(tx.Signal(outboxSignal).Notify)
		n, err = tx.Exec(ctx, "UPDATE outbox SET published_at = NULL, attempts = 0 WHERE published_at >= ?", since.UTC())
		return err
	})
	return n, err
}

// OutboxAge returns how many events are not yet published, those set aside among them, and how long the oldest has waited.
func OutboxAge(ctx context.Context, db *database.DB, now time.Time) (pending int64, oldest time.Duration, err error) {
	if err := db.QueryRow(ctx, "SELECT count(*) FROM outbox WHERE published_at IS NULL").Scan(&pending); err != nil {
		return 0, 0, fmt.Errorf("counting the outbox: %w", err)
	}
	var since time.Time
	err = db.QueryRow(ctx, "SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 1").Scan(&since)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil // published meanwhile
	}
	if err != nil {
		return 0, 0, fmt.Errorf("reading the outbox: %w", err)
	}
	return pending, max(now.Sub(since), 0), nil
}

// update runs a statement that ends in `IN ` for the ids, whose other parameters come first.
func update(ctx context.Context, db *database.DB, ids []string, statement string, args ...any) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	// One parameter for any number of ids keeps the statement's text the same, and so prepared.
	set := "(SELECT value FROM json_each(?))"
	if db.Dialect() == dialect.Postgres {
		set = "(SELECT value FROM json_array_elements_text(CAST(? AS json)))"
	}
	return db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, statement+set, append(args, string(list))...)
		return err
	})
}

func records(ctx context.Context, db *database.DB, query string, args ...any) ([]Record, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	defer rows.Close()
	var all []Record
	for rows.Next() {
		var r Record
		var headers string
		if err := rows.Scan(&r.ID, &r.Seq, &r.Subject, &r.Stream, &r.Aggregate, &r.Type, &r.Payload, &headers, &r.CreatedAt, &r.Attempts, &r.LastError); err != nil {
			return nil, fmt.Errorf("reading the outbox: %w", err)
		}
		if err := json.Unmarshal([]byte(headers), &r.Headers); err != nil {
			return nil, fmt.Errorf("headers of event %s: %w", r.ID, err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
