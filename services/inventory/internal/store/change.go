package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
)

// Touched names the orders and beers that a change may touch.
type Touched struct {
	Orders []string
	Beers  []string
	Adds   bool // beers that never had stock may get some
}

// Note says who moved stock and why, for movements that no order caused.
type Note struct {
	Text, Lot, ActorID string
}

// Change opens a desk on locked rows, lets fn work at it, and writes what became of it together with the events that fn
// answers and a StockChanged for each beer whose stock changed. A batch costs the statements of a few.
//
// Locks are always taken in the same order, orders before beers and both by id, so that changes that meet wait for each
// other and never deadlock.
func (s *Store) Change(ctx context.Context, tx *database.Tx, now time.Time, touched Touched, note Note, fn func(*domain.Desk) ([]proto.Message, error)) error {
	reservations, err := lockReservations(ctx, tx, touched.Orders)
	if err != nil {
		return err
	}
	beers := touched.Beers
	for _, r := range reservations {
		for _, line := range r.Lines {
			beers = append(beers, line.BeerID)
		}
	}
	stock, err := lockStock(ctx, tx, beers, touched.Adds)
	if err != nil {
		return err
	}
	desk := domain.NewDesk(stock, reservations)
	events, err := fn(desk)
	if err != nil {
		return err
	}
	if err := writeStock(ctx, tx, desk); err != nil {
		return err
	}
	if err := writeReservations(ctx, tx, desk, reservations, now); err != nil {
		return err
	}
	if err := writeMovements(ctx, tx, desk.Movements(), note, now); err != nil {
		return err
	}
	for _, changed := range desk.ChangedStock() {
		events = append(events, &eventv1.StockChanged{BeerId: changed.BeerID, Available: changed.Available(), Version: changed.Version})
	}
	return journal.Append(ctx, tx, events...)
}

// keys are the distinct ids in their order, as arguments.
func keys(ids []string) []any {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

func lockReservations(ctx context.Context, tx *database.Tx, orderIDs []string) ([]domain.Reservation, error) {
	ids := keys(orderIDs)
	if len(ids) == 0 {
		return nil, nil
	}
	if tx.Dialect() == dialect.Postgres {
		// Locks orders that have no row yet as well, so that of two replicas the second sees what the first wrote.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM (VALUES `+database.Tuples(len(ids), 1)+` ORDER BY 1) AS orders (id)`, ids...); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Query(ctx, `SELECT r.order_id, r.state, r.returned, l.beer_id, l.quantity FROM reservations r
		LEFT JOIN reservation_lines l ON l.order_id = r.order_id WHERE r.order_id IN `+database.Tuples(1, len(ids))+` ORDER BY r.order_id, l.beer_id`, ids...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []domain.Reservation
	for rows.Next() {
		var r domain.Reservation
		var beerID sql.NullString
		var quantity sql.NullInt32
		if err := rows.Scan(&r.OrderID, &r.State, &r.Returned, &beerID, &quantity); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].OrderID != r.OrderID {
			out = append(out, r)
		}
		if beerID.Valid {
			last := &out[len(out)-1]
			last.Lines = append(last.Lines, domain.Line{BeerID: beerID.String, Quantity: quantity.Int32})
		}
	}
	return out, rows.Err()
}

// lockStock locks the stock of beers. With add, those that have none get a row of nothing, since what isn't there can't be
// locked.
func lockStock(ctx context.Context, tx *database.Tx, beerIDs []string, add bool) ([]domain.Stock, error) {
	ids := keys(beerIDs)
	if len(ids) == 0 {
		return nil, nil
	}
	if add {
		if _, err := tx.Exec(ctx, `INSERT INTO stock (beer_id, on_hand, reserved, version) VALUES (?, 0, 0, 0)`+
			strings.Repeat(`, (?, 0, 0, 0)`, len(ids)-1)+` ON CONFLICT (beer_id) DO NOTHING`, ids...); err != nil {
			return nil, err
		}
	}
	query := `SELECT beer_id, on_hand, reserved, version FROM stock WHERE beer_id IN ` + database.Tuples(1, len(ids)) + ` ORDER BY beer_id`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, query, ids...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []domain.Stock
	for rows.Next() {
		var s domain.Stock
		if err := rows.Scan(&s.BeerID, &s.OnHand, &s.Reserved, &s.Version); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// writeStock changes each beer by a guarded statement: the row must be as it was when the desk opened, and the table's
// checks keep it from going below nothing.
func writeStock(ctx context.Context, tx *database.Tx, desk *domain.Desk) error {
	stock := desk.ChangedStock()
	rows := make([][]any, len(stock))
	for i, s := range stock {
		before := desk.Before(s.BeerID)
		rows[i] = []any{s.OnHand, s.Reserved, s.Version, s.BeerID, before.Version, before.OnHand, before.Reserved}
	}
	changed, err := tx.ExecEach(ctx, `UPDATE stock SET on_hand = ?, reserved = ?, version = ?
		WHERE beer_id = ? AND version = ? AND on_hand = ? AND reserved = ?`, rows)
	if err != nil {
		return fmt.Errorf("changing stock: %w", err)
	}
	if i := slices.Index(changed, 0); i >= 0 {
		return fault.Aborted("STOCK_CHANGED", "The stock of %s changed meanwhile; try again.", stock[i].BeerID)
	}
	return nil
}

// writeReservations inserts new reservations with their lines and changes the state of known ones.
func writeReservations(ctx context.Context, tx *database.Tx, desk *domain.Desk, known []domain.Reservation, now time.Time) error {
	var rows, lines []any
	var updates [][]any
	for _, r := range desk.ChangedReservations() {
		if slices.ContainsFunc(known, func(k domain.Reservation) bool { return k.OrderID == r.OrderID }) {
			updates = append(updates, []any{string(r.State), r.Returned, now, r.OrderID})
			continue
		}
		rows = append(rows, r.OrderID, string(r.State), r.Returned, now, now)
		for _, line := range r.Lines {
			lines = append(lines, r.OrderID, line.BeerID, line.Quantity)
		}
	}
	if _, err := tx.ExecEach(ctx, `UPDATE reservations SET state = ?, returned = ?, updated_at = ? WHERE order_id = ?`, updates); err != nil {
		return err
	}
	if err := insert(ctx, tx, "reservations (order_id, state, returned, created_at, updated_at)", 5, rows); err != nil {
		return err
	}
	return insert(ctx, tx, "reservation_lines (order_id, beer_id, quantity)", 3, lines)
}

func writeMovements(ctx context.Context, tx *database.Tx, movements []domain.Movement, note Note, now time.Time) error {
	var rows []any
	for _, m := range movements {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		rows = append(rows, id.String(), m.BeerID, string(m.Kind), m.Quantity, m.OrderID, note.Text, note.Lot, note.ActorID, now)
	}
	return insert(ctx, tx, "movements (id, beer_id, kind, quantity, order_id, note, lot, actor_id, created_at)", 9, rows)
}

// insert writes rows of so many columns, in one statement as long as the databases take it.
func insert(ctx context.Context, tx *database.Tx, table string, columns int, values []any) error {
	const rowsAtOnce = 500
	for chunk := range slices.Chunk(values, columns*rowsAtOnce) {
		if _, err := tx.Exec(ctx, `INSERT INTO `+table+` VALUES `+database.Tuples(len(chunk)/columns, columns), chunk...); err != nil {
			return fmt.Errorf("inserting into %s: %w", table, err)
		}
	}
	return nil
}
