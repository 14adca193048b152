package store

import (
	"context"
	"time"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/invariant"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db/movement"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db/reservation"
	"github.com/taproom-shop/taproom/services/inventory/internal/ent/db/stock"
)

// Stock answers what there is of each beer, in the order asked for. A beer that never had stock has none.
func (s *Store) Stock(ctx context.Context, beerIDs []string) ([]domain.Stock, error) {
	rows, err := s.read.Stock.Query().Where(stock.IDIn(beerIDs...)).All(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*db.Stock, len(rows))
	for _, row := range rows {
		known[row.ID] = row
	}
	out := make([]domain.Stock, len(beerIDs))
	for i, id := range beerIDs {
		out[i].BeerID = id
		if row, ok := known[id]; ok {
			out[i] = domain.Stock{BeerID: id, OnHand: row.OnHand, Reserved: row.Reserved, Version: row.Version}
		}
	}
	return out, nil
}

// Movements answers what came and went, newest first: of one beer, or of all when beerID is empty; only movements whose
// ids are below before, unless that is empty.
func (s *Store) Movements(ctx context.Context, beerID, before string, limit int) ([]*db.Movement, error) {
	query := s.read.Movement.Query()
	if beerID != "" {
		query.Where(movement.BeerID(beerID))
	}
	if before != "" {
		query.Where(movement.IDLT(before))
	}
	return query.Order(db.Desc(movement.FieldID)).Limit(limit).All(ctx)
}

// ReservedLine is units of one beer that an order holds, or held.
type ReservedLine struct {
	ID        int64 // the keyset of pages
	OrderID   string
	BeerID    string
	Quantity  int32
	State     domain.State
	CreatedAt time.Time
}

// Reservations answers reserved lines, newest first, filtered by order and state unless those are empty; only lines whose
// ids are below before, unless that is 0.
func (s *Store) Reservations(ctx context.Context, orderID string, state domain.State, before int64, limit int) ([]ReservedLine, error) {
	query, args := `SELECT l.id, l.order_id, l.beer_id, l.quantity, r.state, r.created_at FROM reservation_lines l
		JOIN reservations r ON r.order_id = l.order_id WHERE true`, []any{}
	if orderID != "" {
		query, args = query+` AND l.order_id = ?`, append(args, orderID)
	}
	if state != "" {
		query, args = query+` AND r.state = ?`, append(args, string(state))
	}
	if before > 0 {
		query, args = query+` AND l.id < ?`, append(args, before)
	}
	rows, err := s.db.Query(ctx, query+` ORDER BY l.id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ReservedLine
	for rows.Next() {
		var l ReservedLine
		if err := rows.Scan(&l.ID, &l.OrderID, &l.BeerID, &l.Quantity, &l.State, &l.CreatedAt); err != nil {
			return nil, err
		}
		l.CreatedAt = l.CreatedAt.UTC()
		out = append(out, l)
	}
	return out, rows.Err()
}

// OpenOrder is an order whose reservation is open, and since when.
type OpenOrder struct {
	ID    string
	Since time.Time
}

// OpenSince answers orders whose reservation is open and was made before a time, the oldest first, from the one that
// follows after; the zero OpenOrder comes before all.
func (s *Store) OpenSince(ctx context.Context, before time.Time, after OpenOrder, limit int) ([]OpenOrder, error) {
	rows, err := s.read.Reservation.Query().
		Where(
			reservation.State(string(domain.Open)), reservation.CreatedAtLT(before),
			reservation.Or(reservation.CreatedAtGT(after.Since), reservation.And(reservation.CreatedAt(after.Since), reservation.IDGT(after.ID))),
		).
		Order(db.Asc(reservation.FieldCreatedAt, reservation.FieldID)).Limit(limit).All(ctx)
	out := make([]OpenOrder, len(rows))
	for i, row := range rows {
		out[i] = OpenOrder{row.ID, row.CreatedAt.UTC()}
	}
	return out, err
}

// CheckInvariants checks the rules that stock must obey, at the time now.
func (s *Store) CheckInvariants(ctx context.Context, now time.Time) ([]*typev1.Invariant, error) {
	return invariant.Check(ctx, s.db, now,
		invariant.Rule{
			Name:        "inventory.on_hand",
			Description: "What is on hand is what was received, adjusted, shipped and returned.",
			Count:       `SELECT count(*) FROM stock`,
			Broken: `SELECT s.beer_id, 'differs from its movements', NULL FROM stock s
				LEFT JOIN (SELECT beer_id, sum(quantity) AS moved FROM movements GROUP BY beer_id) m ON m.beer_id = s.beer_id
				WHERE s.on_hand <> coalesce(m.moved, 0)`,
		},
		invariant.Rule{
			Name:        "inventory.reserved",
			Description: "What is reserved is what open reservations hold.",
			Count:       `SELECT count(*) FROM stock`,
			Broken: `SELECT s.beer_id, 'differs from its open reservations', NULL FROM stock s
				LEFT JOIN (SELECT l.beer_id, sum(l.quantity) AS held FROM reservation_lines l
					JOIN reservations r ON r.order_id = l.order_id AND r.state = 'OPEN' GROUP BY l.beer_id) h ON h.beer_id = s.beer_id
				WHERE s.reserved <> coalesce(h.held, 0)`,
		},
		invariant.Rule{
			Name:        "inventory.not_negative",
			Description: "No beer has less than nothing on hand, or more reserved than on hand.",
			Count:       `SELECT count(*) FROM stock`,
			Broken:      `SELECT beer_id, 'is oversold', NULL FROM stock WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand`,
		},
		invariant.Outbox("inventory"),
	)
}
