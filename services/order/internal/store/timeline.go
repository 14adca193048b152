package store

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/ent/db"
	"github.com/taproom-shop/taproom/services/order/internal/ent/db/timelineentry"
)

// timelineRow is an entry of a time line that is about to be written.
type timelineRow struct {
	order     *lockedOrder
	orderID   string
	number    int64
	entryType string
	state     domain.State
	eventID   string
	at        time.Time
	doubtful  bool // perhaps written before
}

// dropRepeated leaves out doubtful entries whose event the time line has already, so that replaying a whole stream adds
// nothing even after the inbox forgot its events.
func dropRepeated(ctx context.Context, tx *database.Tx, entries []*timelineRow) ([]*timelineRow, error) {
	known, err := knownEvents(ctx, tx, entries)
	if err != nil || len(known) == 0 {
		return entries, err
	}
	kept := entries[:0:0]
	for _, e := range entries {
		if !known[e.orderID+e.eventID] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

func knownEvents(ctx context.Context, tx *database.Tx, entries []*timelineRow) (map[string]bool, error) {
	var args []any
	doubtful := 0
	for _, e := range entries {
		if e.doubtful {
			doubtful++
			args = append(args, e.orderID, e.eventID)
		}
	}
	if doubtful == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT order_id, event_id FROM order_timeline WHERE (order_id, event_id) IN (VALUES `+database.Tuples(doubtful, 2)+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]bool)
	for rows.Next() {
		var orderID, eventID string
		if err := rows.Scan(&orderID, &eventID); err != nil {
			return nil, err
		}
		known[orderID+eventID] = true
	}
	return known, rows.Err()
}

func insertTimeline(ctx context.Context, tx *database.Tx, entries []*timelineRow) error {
	if len(entries) == 0 {
		return nil
	}
	args := make([]any, 0, 6*len(entries))
	for _, e := range entries {
		args = append(args, e.orderID, e.number, e.entryType, string(e.state), e.eventID, e.at)
	}
	_, err := tx.Exec(ctx, `INSERT INTO order_timeline (order_id, number, type, state, event_id, occurred_at) VALUES `+database.Tuples(len(entries), 6), args...)
	if err != nil {
		return fmt.Errorf("writing time lines: %w", err)
	}
	return nil
}

// Timeline returns what happened to an order, oldest first.
func (s *Store) Timeline(ctx context.Context, orderID string) ([]domain.TimelineEntry, error) {
	rows, err := s.read.TimelineEntry.Query().Where(timelineentry.OrderID(orderID)).Order(db.Asc(timelineentry.FieldNumber)).All(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]domain.TimelineEntry, len(rows))
	for i, row := range rows {
		entries[i] = domain.TimelineEntry{
			Number: row.Number, Type: row.Type, OccurredAt: row.OccurredAt.UTC(), State: domain.State(row.State), EventID: row.EventID,
			Compensation: domain.Compensates(row.Type),
		}
	}
	return entries, nil
}
