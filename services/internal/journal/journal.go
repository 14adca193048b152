// Package journal holds the tables that let a service take part in messaging without losing or doubling anything, the same
// in every service's database, next to its own:
//
//   - outbox: events written in the transaction that makes them true, to be published by a relay
//   - inbox: events that a consumer has taken effect of
//   - requests: answers given to requests that must not take effect twice
//   - leases: who does what only one process may do at a time
package journal

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
)

//go:embed migrations
var files embed.FS

// Migrations makes the journal's tables. Every service with a database applies them before its own.
var Migrations = database.Migrations{Name: "journal", FS: migrationFiles()}

func migrationFiles() fs.FS {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // only for a malformed path
	}
	return folder
}

const (
	keepPublished = 24 * time.Hour
	keepReceived  = 8 * 24 * time.Hour
	keepRequests  = 8 * 24 * time.Hour
	pruneStep     = 1000 // rows a transaction, so that writers never wait long
)

// Prune deletes what has served its time: events a day after they were published, so that what a broker lost can be
// published again until then, and inbox rows and answers after eight days.
func Prune(ctx context.Context, db *database.DB, now time.Time) error {
	now = now.UTC()
	for _, step := range []struct {
		statement string
		before    time.Time
	}{
		{"DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE published_at < ? LIMIT ?)", now.Add(-keepPublished)},
		{"DELETE FROM inbox WHERE (consumer, event_id) IN (SELECT consumer, event_id FROM inbox WHERE received_at < ? LIMIT ?)", now.Add(-keepReceived)},
		{"DELETE FROM requests WHERE (caller, method, request_id) IN (SELECT caller, method, request_id FROM requests WHERE expires_at < ? LIMIT ?)", now},
	} {
		for more := true; more; {
			if err := db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
				deleted, err := tx.Exec(ctx, step.statement, step.before, pruneStep)
				more = deleted == pruneStep
				return err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
