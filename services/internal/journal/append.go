package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/event"
)

const (
	outboxSignal = "outbox"
	insertStep   = 500 // rows a statement; SQLite takes 32,766 parameters
)

// Wake delivers when this process has committed events to the outbox of db. One relay listens to it.
func Wake(db *database.DB) <-chan struct{} { return db.Signal(outboxSignal).C() }

// Append writes events to the outbox, in order, each under a new id, with the trace context of ctx. They are published if
// and only if tx commits.
func Append(ctx context.Context, tx *database.Tx, msgs ...proto.Message) error {
	ids := make([]string, len(msgs))
	for i := range ids {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("event id: %w", err)
		}
		ids[i] = id.String()
	}
	return appendEvents(ctx, tx, ids, msgs)
}

// AppendWithID writes an event under an id that is derived from what it is about (see event.DeriveID), so that consumers
// take it once however often it is made. While the outbox holds that id nothing is written.
func AppendWithID(ctx context.Context, tx *database.Tx, id string, msg proto.Message) error {
	return appendEvents(ctx, tx, []string{id}, []proto.Message{msg})
}

// AppendWithIDs writes events, in order, each under the id at its place in ids, for those who keep the ids as well. Events
// whose ids the outbox holds already are left out.
func AppendWithIDs(ctx context.Context, tx *database.Tx, ids []string, msgs []proto.Message) error {
	return appendEvents(ctx, tx, ids, msgs)
}

func appendEvents(ctx context.Context, tx *database.Tx, ids []string, msgs []proto.Message) error {
	if len(ids) != len(msgs) {
		return fmt.Errorf("%d events with %d ids", len(msgs), len(ids))
	}
	if len(msgs) == 0 {
		return nil
	}
	traces := newTraceHeaders(ctx, tx)
	const columns = 8
	now := tx.Now()
	args := make([]any, 0, columns*len(msgs))
	for i, msg := range msgs {
		subject, err := event.Subject(msg)
		if err != nil {
			return err
		}
		stream, err := event.Stream(msg)
		if err != nil {
			return err
		}
		payload, err := proto.Marshal(msg)
		if err != nil {
			return fmt.Errorf("event %s: %w", event.Type(msg), err)
		}
		args = append(args, ids[i], subject, stream, event.Aggregate(subject), event.Type(msg), payload, traces.of(msg), now)
	}
	for rows := range slices.Chunk(args, columns*insertStep) {
		values := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?), ", len(rows)/columns), ", ")
		if _, err := tx.Exec(ctx, "INSERT INTO outbox (id, subject, stream, aggregate, type, payload, headers, created_at) VALUES "+
			values+" ON CONFLICT (id) DO NOTHING", rows...); err != nil {
			return fmt.Errorf("writing to the outbox: %w", err)
		}
	}
	tx.AfterCommit(tx.Signal(outboxSignal).Notify)
	countAppended(tx, msgs)
	return nil
}
