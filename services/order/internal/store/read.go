package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

const orderColumns = `id, user_id, number, cart_version, state, reason, stock, money, confirmed, cancel_request, requested_reason, recall,
	subtotal, shipping, total, currency, shipping_method_id, card_id, address, placed_at, updated_at, expires_at, version, timeline_len`

func scanOrder(rows *sql.Rows) (domain.Order, error) {
	var o domain.Order
	var address []byte
	err := rows.Scan(&o.ID, &o.UserID, &o.Number, &o.Quote.CartVersion, &o.Status.State, &o.Status.Reason, &o.Status.Stock, &o.Status.Money,
		&o.Status.Confirmed, &o.Status.CancelRequest, &o.Status.RequestedReason, &o.Status.Recall, &o.Quote.Subtotal,
		&o.Quote.Shipping, &o.Quote.Total, &o.Quote.Currency, &o.Quote.MethodID, &o.CardID, &address, &o.PlacedAt, &o.UpdatedAt,
		&o.ExpiresAt, &o.Version, &o.TimelineLen)
	if err != nil {
		return domain.Order{}, err
	}
	if err := json.Unmarshal(address, &o.Address); err != nil {
		return domain.Order{}, err
	}
	o.Quote.Country = o.Address.Country
	o.PlacedAt, o.UpdatedAt, o.ExpiresAt = o.PlacedAt.UTC(), o.UpdatedAt.UTC(), o.ExpiresAt.UTC()
	return o, nil
}

// Filter says which orders to list. Zero fields don't restrict.
type Filter struct {
	UserID string
	IDs    []string
	States []domain.State
	Before string // only ids below this one: the last of the page before
}

// List returns orders with their lines, newest first, at most limit. Ids are time-ordered, so the id is the keyset.
func (s *Store) List(ctx context.Context, f Filter, limit int) ([]domain.Order, error) {
	where, args := []string{"true"}, []any{}
	restrict := func(clause string, values ...any) {
		where = append(where, clause)
		args = append(args, values...)
	}
	if f.UserID != "" {
		restrict("user_id = ?", f.UserID)
	}
	if len(f.IDs) > 0 {
		restrict("id IN "+database.Tuples(1, len(f.IDs)), anys(f.IDs)...)
	}
	if len(f.States) > 0 {
		states := make([]string, len(f.States))
		for i, state := range f.States {
			states[i] = string(state)
		}
		restrict("state IN "+database.Tuples(1, len(states)), anys(states)...)
	}
	if f.Before != "" {
		restrict("id < ?", f.Before)
	}
	rows, err := s.db.Query(ctx, `SELECT `+orderColumns+` FROM orders WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []domain.Order
	var ids []string
	for rows.Next() {
		o, err := scanOrder(rows)
		if err != nil {
			return nil, err
		}
		orders, ids = append(orders, o), append(ids, o.ID)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // its connection serves the next query
	lines, err := linesOf(ctx, s.db, ids)
	for i := range orders {
		orders[i].Quote.Lines = lines[orders[i].ID]
	}
	return orders, err
}

// Get returns an order with its lines. With a userID it must be that user's; without one, anybody's is found.
func (s *Store) Get(ctx context.Context, userID, id string) (domain.Order, error) {
	orders, err := s.List(ctx, Filter{UserID: userID, IDs: []string{id}}, 1)
	if err != nil {
		return domain.Order{}, err
	}
	if len(orders) == 0 {
		return domain.Order{}, ErrNotFound(id)
	}
	return orders[0], nil
}

// Expired returns the ids of orders that are still pending after their deadline, the oldest deadline first.
func (s *Store) Expired(ctx context.Context, now time.Time, limit int) ([]string, error) {
	return s.ids(ctx, `SELECT id FROM orders WHERE state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?`, string(domain.Pending), now, limit)
}

// Lingering returns the ids of paid orders that are neither delivered nor cancelled and have not changed since a time.
func (s *Store) Lingering(ctx context.Context, since time.Time, limit int) ([]string, error) {
	return s.ids(ctx, `SELECT id FROM orders WHERE state IN ('PAID', 'ASSEMBLING', 'ASSEMBLED', 'DELIVERING') AND updated_at <= ? ORDER BY updated_at LIMIT ?`, since, limit)
}

func (s *Store) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// GetIn returns an order with its lines as the transaction sees it.
func GetIn(ctx context.Context, tx *database.Tx, id string) (domain.Order, error) {
	rows, err := tx.Query(ctx, `SELECT `+orderColumns+` FROM orders WHERE id = ?`, id)
	if err != nil {
		return domain.Order{}, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return domain.Order{}, err
		}
		return domain.Order{}, ErrNotFound(id)
	}
	order, err := scanOrder(rows)
	if err != nil {
		return domain.Order{}, err
	}
	rows.Close() // before the transaction's next statement
	lines, err := linesOf(ctx, tx, []string{id})
	order.Quote.Lines = lines[id]
	return order, err
}
