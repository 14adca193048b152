package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Keep numbers notifications and keeps them, except those whose event their user was told of already. The numbers are
// taken under the lock of the user's mailbox, so that they become visible in their order and a client that has seen one
// has missed none before it. It answers the users who have something new.
func Keep(ctx context.Context, tx *database.Tx, news []Notification) (users []string, err error) {
	if len(news) == 0 {
		return nil, nil
	}
	boxes, err := lockMailboxes(ctx, tx, news)
	if err != nil {
		return nil, err
	}
	known, err := knownEvents(ctx, tx, news)
	if err != nil {
		return nil, err
	}
	var args []any
	touched := make(map[string]bool)
	for _, n := range news {
		if known[n.UserID+n.EventID] {
			continue
		}
		known[n.UserID+n.EventID] = true
		boxes[n.UserID]++
		touched[n.UserID] = true
		args = append(args, n.UserID, boxes[n.UserID], n.EventID, n.Type, n.OrderID, n.State, n.Version, n.Title, n.CreatedAt)
	}
	if len(args) == 0 {
		return nil, nil
	}
	const columns = 9
	if _, err := tx.Exec(ctx, `INSERT INTO notifications (user_id, number, event_id, type, order_id, state, version, title, created_at) VALUES `+
		database.Tuples(len(args)/columns, columns), args...); err != nil {
		return nil, err
	}
	users = slices.Sorted(maps.Keys(touched))
	numbers := make([][]any, len(users))
	for i, user := range users {
		numbers[i] = []any{boxes[user], user}
	}
	_, err = tx.ExecEach(ctx, `UPDATE mailboxes SET last_number = ? WHERE user_id = ?`, numbers)
	return users, err
}

// lockMailboxes locks the mailboxes of the news' users, always in the order of their ids, and answers their last numbers.
func lockMailboxes(ctx context.Context, tx *database.Tx, news []Notification) (map[string]int64, error) {
	var ids []string
	for _, n := range news {
		ids = append(ids, n.UserID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	if _, err := tx.Exec(ctx, `INSERT INTO mailboxes (user_id, last_number, read_up_to) VALUES (?, 0, 0)`+
		strings.Repeat(`, (?, 0, 0)`, len(ids)-1)+` ON CONFLICT (user_id) DO NOTHING`, args...); err != nil {
		return nil, err
	}
	query := `SELECT user_id, last_number FROM mailboxes WHERE user_id IN ` + database.Tuples(1, len(ids)) + ` ORDER BY user_id`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	boxes := make(map[string]int64, len(ids))
	for rows.Next() {
		var id string
		var last int64
		if err := rows.Scan(&id, &last); err != nil {
			return nil, err
		}
		boxes[id] = last
	}
	return boxes, rows.Err()
}

func knownEvents(ctx context.Context, tx *database.Tx, news []Notification) (map[string]bool, error) {
	args := make([]any, 0, 2*len(news))
	for _, n := range news {
		args = append(args, n.UserID, n.EventID)
	}
	rows, err := tx.Query(ctx, `SELECT user_id, event_id FROM notifications WHERE (user_id, event_id) IN (VALUES `+database.Tuples(len(news), 2)+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := make(map[string]bool)
	for rows.Next() {
		var user, event string
		if err := rows.Scan(&user, &event); err != nil {
			return nil, err
		}
		known[user+event] = true
	}
	return known, rows.Err()
}
