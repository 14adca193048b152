package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// Request identifies a PlaceOrder call of a user. Its digest tells a repetition from another request with the same id.
type Request struct {
	ID     string
	Digest []byte
}

// Placed returns the order that an earlier call with this request made, as it was first answered, or nil. It fails with
// REQUEST_ID_REUSED when that was another request.
func (s *Store) Placed(ctx context.Context, userID string, request Request) (*domain.Order, error) {
	rows, err := s.db.Query(ctx, `SELECT id, request_digest FROM orders WHERE user_id = ? AND request_id = ?`, userID, request.ID)
	if err != nil {
		return nil, err
	}
	id, err := repeated(rows, request)
	if err != nil || id == "" {
		return nil, err
	}
	order, err := s.Get(ctx, userID, id)
	if err != nil {
		return nil, err
	}
	placed := order.AsPlaced()
	return &placed, nil
}

func repeated(rows *sql.Rows, request Request) (id string, err error) {
	defer rows.Close()
	var digest []byte
	for rows.Next() {
		if err := rows.Scan(&id, &digest); err != nil {
			return "", err
		}
	}
	if err := rows.Err(); err != nil || id == "" {
		return "", err
	}
	if !bytes.Equal(digest, request.Digest) {
		return "", fault.AlreadyExists("REQUEST_ID_REUSED", "Another order was placed with request_id %s; make up a new one.", request.ID)
	}
	return id, nil
}

// Next returns the number of the user's next order. It fails with ORDER_IN_PROGRESS while the last one is being taken from the
// cart.
func (s *Store) Next(ctx context.Context, userID string) (number int64, err error) {
	var id string
	var open bool
	err = s.db.QueryRow(ctx, `SELECT id, number, checkout_open FROM orders WHERE user_id = ? ORDER BY number DESC LIMIT 1`, userID).Scan(&id, &number, &open)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 1, nil
	case err != nil:
		return 0, err
	case open:
		return 0, inProgress(id)
	}
	return number + 1, nil
}

// errRepeated makes the transaction of a repeated request end without an effect.
var errRepeated = errors.New("the order is already placed")

// Place keeps a new order together with its event, and answers it; orders placed at the same time share one commit.
//
// Three guards decide, all of them unique indexes: (user, request id), whose loser gets the winner's order or
// REQUEST_ID_REUSED; and the cart's open checkout and (user, number), whose losers get ORDER_IN_PROGRESS with the winner's id.
// The number must be Next's from before the cart was looked at: whoever saw the cart as it was before the winner's order was
// taken from it, and comes when that is done, has a number that is taken. A fourth keeps customers out who are held:
// ACCOUNT_CLOSING.
func (s *Store) Place(ctx context.Context, order domain.Order, request Request, placed proto.Message) (domain.Order, error) {
	eventID, err := newID()
	if err != nil {
		return domain.Order{}, err
	}
	err = s.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		inserted, err := insertOrder(ctx, tx, order, request)
		if err != nil {
			return err
		}
		if !inserted {
			return whyNotInserted(ctx, tx, order, request)
		}
		if err := refuseHeld(ctx, tx, order.UserID, order.PlacedAt); err != nil {
			return err
		}
		if err := insertLines(ctx, tx, order); err != nil {
			return err
		}
		if err := journal.AppendWithIDs(ctx, tx, []string{eventID}, []proto.Message{placed}); err != nil {
			return err
		}
		return insertTimeline(ctx, tx, []*timelineRow{{
			orderID: order.ID, number: 1, entryType: "order.placed", state: order.Status.State, eventID: eventID, at: order.PlacedAt,
		}})
	})
	if errors.Is(err, errRepeated) {
		first, err := s.Placed(ctx, order.UserID, request)
		if err != nil {
			return domain.Order{}, err
		}
		return *first, nil
	}
	return order, err
}

func insertOrder(ctx context.Context, tx *database.Tx, o domain.Order, request Request) (bool, error) {
	address, err := json.Marshal(o.Address)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO orders (id, user_id, request_id, request_digest, cart_version, number, checkout_open, state,
		subtotal, shipping, total, currency, shipping_method_id, card_id, address, placed_at, updated_at, expires_at, version, timeline_len)
		VALUES (?, ?, ?, ?, ?, ?, true, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
		o.ID, o.UserID, request.ID, request.Digest, o.Quote.CartVersion, o.Number, string(o.Status.State), o.Quote.Subtotal, o.Quote.Shipping,
		o.Quote.Total, o.Quote.Currency, o.Quote.MethodID, o.CardID, string(address), o.PlacedAt, o.UpdatedAt, o.ExpiresAt, o.Version)
	return n == 1, err
}

// whyNotInserted names the guard that an order failed at.
func whyNotInserted(ctx context.Context, tx *database.Tx, o domain.Order, request Request) error {
	rows, err := tx.Query(ctx, `SELECT id, request_digest FROM orders WHERE user_id = ? AND request_id = ?`, o.UserID, request.ID)
	if err != nil {
		return err
	}
	id, err := repeated(rows, request)
	if err != nil {
		return err
	}
	if id != "" {
		return errRepeated
	}
	var open string
	err = tx.QueryRow(ctx, `SELECT id FROM orders WHERE user_id = ? AND (checkout_open OR number = ?) ORDER BY number DESC LIMIT 1`,
		o.UserID, o.Number).Scan(&open)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Aborted("CHECKOUT_CHANGED", "Another checkout of this cart ended just now; try again.")
	}
	if err != nil {
		return err
	}
	return inProgress(open)
}

func inProgress(orderID string) error {
	return fault.FailedPrecondition("ORDER_IN_PROGRESS", "Order %s is still being taken from this cart; wait a moment and look at the cart again.", orderID).
		With("order_id", orderID)
}

func insertLines(ctx context.Context, tx *database.Tx, o domain.Order) error {
	args := make([]any, 0, 5*len(o.Quote.Lines))
	for _, line := range o.Quote.Lines {
		args = append(args, o.ID, line.BeerID, line.BeerName, line.Quantity, line.UnitPrice)
	}
	_, err := tx.Exec(ctx, `INSERT INTO order_lines (order_id, beer_id, beer_name, quantity, unit_price) VALUES `+
		database.Tuples(len(o.Quote.Lines), 5), args...)
	return err
}

// CloseCheckouts ends the open checkouts of these orders, so that their carts can be ordered from again. Unknown orders
// and closed checkouts are passed over.
func (s *Store) CloseCheckouts(ctx context.Context, orderIDs []string) error {
	err := s.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE orders SET checkout_open = false WHERE checkout_open AND id IN `+database.Tuples(1, len(orderIDs)), anys(orderIDs)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("closing checkouts: %w", err)
	}
	return nil
}

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
