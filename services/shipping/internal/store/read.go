package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/ent/db"
	"github.com/taproom-shop/taproom/services/shipping/internal/ent/db/method"
)

const columns = `id, order_id, user_id, method_id, state, reason, answered, step, progress, carried_by, carrier, reference, version, created_at, updated_at`

func scan(rows *sql.Rows) (domain.Shipment, error) {
	var s domain.Shipment
	err := rows.Scan(&s.ID, &s.OrderID, &s.UserID, &s.MethodID, &s.State, &s.Reason, &s.Answered, &s.Step, &s.Progress,
		&s.Carriage.By, &s.Carriage.Carrier, &s.Carriage.Reference, &s.Version, &s.CreatedAt, &s.UpdatedAt)
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s, err
}

// querier is a transaction or the read pool.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func list(ctx context.Context, q querier, query string, args ...any) ([]domain.Shipment, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []domain.Shipment
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// OfOrder returns the shipment of an order of that user's.
func (s *Store) OfOrder(ctx context.Context, userID, orderID string) (domain.Shipment, error) {
	found, err := list(ctx, s.db, `SELECT `+columns+` FROM shipments WHERE order_id = ? AND user_id = ?`, orderID, userID)
	if err != nil {
		return domain.Shipment{}, err
	}
	if len(found) == 0 {
		return domain.Shipment{}, ErrNotFound(orderID)
	}
	return found[0], nil
}

// Get returns a shipment, anybody's.
func (s *Store) Get(ctx context.Context, id string) (domain.Shipment, error) {
	return get(ctx, s.db, id)
}

// GetIn is Get inside a transaction. Reading beside it there would take a second connection, for which transactions that take
// all of them wait for ever.
func GetIn(ctx context.Context, tx *database.Tx, id string) (domain.Shipment, error) {
	return get(ctx, tx, id)
}

func get(ctx context.Context, q querier, id string) (domain.Shipment, error) {
	found, err := list(ctx, q, `SELECT `+columns+` FROM shipments WHERE id = ?`, id)
	if err != nil {
		return domain.Shipment{}, err
	}
	if len(found) == 0 {
		return domain.Shipment{}, ErrNoParcel(id)
	}
	return found[0], nil
}

// Filter says which shipments to list. Zero fields don't restrict.
type Filter struct {
	State   domain.State
	OrderID string
	Before  string // only ids below this one: the last of the page before
}

// List returns shipments, newest first, at most limit. Ids are time-ordered, so the id is the keyset.
func (s *Store) List(ctx context.Context, f Filter, limit int) ([]domain.Shipment, error) {
	where, args := []string{"true"}, []any{}
	restrict := func(clause, value string) {
		if value != "" {
			where = append(where, clause)
			args = append(args, value)
		}
	}
	restrict("state = ?", string(f.State))
	restrict("order_id = ?", f.OrderID)
	restrict("id < ?", f.Before)
	return list(ctx, s.db, `SELECT `+columns+` FROM shipments WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}

// createdSignal is notified when this process has made shipments.
const createdSignal = "shipments created"

// Created delivers when this process has committed new shipments. One warehouse listens to it.
func (s *Store) Created() <-chan struct{} { return s.db.Signal(createdSignal).C() }

// Waiting returns the orders whose shipments are in a state since a time or longer, and locks them: at most limit, the
// longest first. Those that another replica has locked are left to it.
func Waiting(ctx context.Context, tx *database.Tx, state domain.State, since time.Time, limit int) ([]string, error) {
	query := `SELECT ` + columns + ` FROM shipments WHERE state = ? AND updated_at <= ? ORDER BY updated_at LIMIT ?`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE SKIP LOCKED`
	}
	found, err := list(ctx, tx, query, string(state), since, limit)
	ids := make([]string, len(found))
	for i, shipment := range found {
		ids[i] = shipment.OrderID
	}
	return ids, err
}

// Methods returns the methods of shipping, the cheapest first.
func (s *Store) Methods(ctx context.Context) ([]domain.Method, error) {
	rows, err := s.read.Method.Query().Order(db.Asc(method.FieldRate), db.Asc(method.FieldID)).All(ctx)
	if err != nil {
		return nil, err
	}
	methods := make([]domain.Method, len(rows))
	for i, row := range rows {
		methods[i] = domain.Method{
			ID: row.ID, Name: row.Name, Description: row.Description, Rate: row.Rate, FreeFrom: row.FreeFrom, Currency: row.Currency,
			Days: row.Days, Countries: row.Countries,
		}
	}
	return methods, nil
}
