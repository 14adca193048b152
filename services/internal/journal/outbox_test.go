package journal_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

// write appends events in a transaction.
func write(t *testing.T, db *database.DB, msgs ...proto.Message) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return journal.Append(ctx, tx, msgs...)
	}))
}

// pending returns the subjects of the pending events, without what they have in common.
func pending(t *testing.T, db *database.DB) []string {
	t.Helper()
	events, err := journal.Pending(t.Context(), db, 100)
	require.NoError(t, err)
	subjects := []string{}
	for _, e := range events {
		subjects = append(subjects, strings.TrimPrefix(e.Subject, "taproom.order."))
	}
	return subjects
}

func woken(db *database.DB) bool {
	select {
	case <-journal.Wake(db):
		return true
	default:
		return false
	}
}

func TestAppendedEventsArePending(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
		ctx := trace.ContextWithSpanContext(t.Context(), span)
		before := db.Now()
		require.NoError(t, db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
			require.NoError(t, journal.Append(ctx, tx))
			require.NoError(t, journal.Append(ctx, tx, placed("o1"), paid("o1")))
			require.Empty(t, pending(t, db), "not before the commit")
			require.False(t, woken(db))
			return nil
		}))
		require.True(t, woken(db))

		events, err := journal.Pending(t.Context(), db, 100)
		require.NoError(t, err)
		require.Len(t, events, 2)
		first := events[0]
		id, err := uuid.Parse(first.ID)
		require.NoError(t, err)
		require.EqualValues(t, 7, id.Version())
		require.Equal(t, "taproom.order.placed.o1", first.Subject)
		require.Equal(t, "ORDERS", first.Stream)
		require.Equal(t, "o1", first.Aggregate)
		require.Equal(t, "taproom.event.v1.OrderPlaced", first.Type)
		require.Equal(t, map[string]string{"traceparent": "00-01000000000000000000000000000000-0200000000000000-01"}, first.Headers)
		require.False(t, first.CreatedAt.Before(before))
		require.Equal(t, time.UTC, first.CreatedAt.Location())
		require.Less(t, first.Seq, events[1].Seq)
		got := new(eventv1.OrderPlaced)
		require.NoError(t, proto.Unmarshal(first.Payload, got))
		require.True(t, proto.Equal(placed("o1"), got))
	})
}

func TestAppendLeavesNothingWithoutACommit(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		require.ErrorIs(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			require.NoError(t, journal.Append(ctx, tx, placed("o1")))
			return errStop
		}), errStop)
		require.Empty(t, pending(t, db))
		require.False(t, woken(db))

		for _, msg := range []proto.Message{&emptypb.Empty{}, placed(""), placed("a.b")} {
			require.Error(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return journal.Append(ctx, tx, msg)
			}))
		}
	})
}

func TestAppendMany(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		msgs := make([]proto.Message, 1203)
		for i := range msgs {
			msgs[i] = placed(fmt.Sprint(i))
		}
		write(t, db, msgs...)
		events, err := journal.Pending(t.Context(), db, len(msgs)+1)
		require.NoError(t, err)
		require.Len(t, events, len(msgs))
		for i, e := range events {
			require.Equal(t, fmt.Sprint(i), e.Aggregate, "in the order they were given")
		}
	})
}

func TestAppendWithIDWritesOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		id := event.DeriveID("o1", "placed")
		for range 2 {
			require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return journal.AppendWithID(ctx, tx, id, placed("o1"))
			}))
		}
		events, err := journal.Pending(t.Context(), db, 100)
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, id, events[0].ID)

		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			require.ErrorContains(t, journal.AppendWithIDs(ctx, tx, []string{id}, nil), "0 events with 1 ids")
			return journal.AppendWithIDs(ctx, tx, []string{id, "other"}, []proto.Message{placed("o1"), paid("o1")})
		}))
		require.Equal(t, []string{"placed.o1", "paid.o1"}, pending(t, db))
	})
}

func TestPublishedEventsAreNotPending(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		write(t, db, placed("o1"), placed("o2"), placed("o3"))
		events, err := journal.Pending(t.Context(), db, 2)
		require.NoError(t, err)
		require.Len(t, events, 2)

		now := db.Now()
		require.NoError(t, journal.MarkPublished(t.Context(), db, nil, now))
		require.NoError(t, journal.MarkPublished(t.Context(), db, []string{events[0].ID, events[1].ID}, now))
		require.Equal(t, []string{"placed.o3"}, pending(t, db))

		woken(db)
		n, err := journal.Republish(t.Context(), db, now.Add(time.Second))
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = journal.Republish(t.Context(), db, now)
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.Equal(t, []string{"placed.o1", "placed.o2", "placed.o3"}, pending(t, db))
		require.True(t, woken(db))
	})
}

func TestSetAsideHoldsUpItsAggregateAlone(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		write(t, db, placed("o1"), placed("o2"), paid("o1"), paid("o2"))
		events, err := journal.Pending(t.Context(), db, 100)
		require.NoError(t, err)
		failed := events[0].ID

		require.NoError(t, journal.MarkFailed(t.Context(), db, failed, errStop, false, db.Now()))
		events, err = journal.Pending(t.Context(), db, 100)
		require.NoError(t, err)
		require.Len(t, events, 4, "it is tried again")
		require.Equal(t, 1, events[0].Attempts)
		require.Equal(t, "stop", events[0].LastError)

		require.NoError(t, journal.MarkFailed(t.Context(), db, failed, errStop, true, db.Now()))
		require.Equal(t, []string{"placed.o2", "paid.o2"}, pending(t, db))
		aside, err := journal.SetAside(t.Context(), db, 100)
		require.NoError(t, err)
		require.Len(t, aside, 1)
		require.Equal(t, failed, aside[0].ID)
		require.Equal(t, 2, aside[0].Attempts)

		require.NoError(t, journal.Restore(t.Context(), db, []string{failed}))
		require.Equal(t, []string{"placed.o1", "placed.o2", "paid.o1", "paid.o2"}, pending(t, db))

		require.NoError(t, journal.MarkFailed(t.Context(), db, failed, errStop, true, db.Now()))
		require.NoError(t, journal.MarkPublished(t.Context(), db, []string{failed}, db.Now()))
		require.Equal(t, []string{"placed.o2", "paid.o1", "paid.o2"}, pending(t, db), "published all the same, it holds up nothing")
	})
}

func TestOutboxAge(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		n, age, err := journal.OutboxAge(t.Context(), db, db.Now())
		require.NoError(t, err)
		require.Zero(t, n)
		require.Zero(t, age)

		write(t, db, placed("o1"), placed("o2"))
		events, err := journal.Pending(t.Context(), db, 1)
		require.NoError(t, err)
		n, age, err = journal.OutboxAge(t.Context(), db, events[0].CreatedAt.Add(time.Minute))
		require.NoError(t, err)
		require.EqualValues(t, 2, n)
		require.Equal(t, time.Minute, age)
	})
}

// The relay asks every second: it must not walk through a day of published events.
func TestPendingReadsThePartialIndex(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		msgs := make([]proto.Message, 400)
		for i := range msgs {
			msgs[i] = placed(fmt.Sprint(i))
		}
		for range 10 {
			write(t, db, msgs...)
		}
		explain := "EXPLAIN QUERY PLAN "
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE outbox SET published_at = ? WHERE seq < 3990", tx.Now())
			require.NoError(t, err)
			_, err = tx.Exec(ctx, "ANALYZE outbox")
			return err
		}))
		if db.Dialect() == dialect.Postgres {
			explain = "EXPLAIN "
		}
		rows, err := db.Query(t.Context(), explain+journal.PendingQuery, 10)
		require.NoError(t, err)
		defer rows.Close()
		var plan strings.Builder
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			require.NoError(t, rows.Scan(cells...))
			fmt.Fprintln(&plan, *cells[len(cells)-1].(*any))
		}
		require.Contains(t, plan.String(), "outbox_pending")
	})
}
