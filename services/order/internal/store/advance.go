package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

// Step is something that happens to an order. EventID is empty when no event brought it.
type Step struct {
	OrderID string
	Input   domain.Input
	EventID string
	At      time.Time
}

// Announcer makes the event by which an order tells what became of it. The order has its lines.
type Announcer func(o domain.Order, from domain.State, what domain.Announcement) proto.Message

// Advance carries the steps out, in order, inside tx: the state machine decides on locked rows, and rows, time lines and
// announcements are written together. All steps of a batch cost the statements of a few. A step of an unknown order is
// NOT_FOUND; a refused command is ORDER_NOT_CANCELLABLE; both leave the batch undone.
func (s *Store) Advance(ctx context.Context, tx *database.Tx, announce Announcer, steps ...Step) error {
	orders, err := lockOrders(ctx, tx, steps)
	if err != nil {
		return err
	}
	var changes changes
	for _, step := range steps {
		order, ok := orders[step.OrderID]
		if !ok {
			return ErrNotFound(step.OrderID)
		}
		if err := changes.apply(order, step); err != nil {
			return err
		}
	}
	return changes.write(ctx, tx, announce)
}

// changes gathers what a batch of steps does.
type changes struct {
	touched  []*lockedOrder
	timeline []*timelineRow
	news     []news
}

// lockedOrder is an order's row while its transaction holds it.
type lockedOrder struct {
	domain.Order
	lockedVersion int64
	touched       bool
}

// news is an announcement still to be made, with the order as it was at that moment.
type news struct {
	order domain.Order
	from  domain.State
	what  domain.Announcement
	entry *timelineRow // gets the event's id
}

func (c *changes) apply(o *lockedOrder, step Step) error {
	from := o.Status
	step.Input.Version = o.Version + 1
	next, what, err := o.Status.Apply(step.Input)
	if err != nil {
		return fault.FailedPrecondition("ORDER_NOT_CANCELLABLE", "The order is %s and can't be cancelled any more.", from.State).WithCause(err)
	}
	if next != from {
		o.Status = next
		o.Version++
		o.UpdatedAt = step.At
	}
	if step.EventID != "" {
		// News that changed nothing may be a repeat that the time line has already.
		c.enter(o, timelineRow{entryType: string(step.Input.Kind), eventID: step.EventID, at: step.At, doubtful: next == from})
	}
	if what != "" {
		entry := c.enter(o, timelineRow{entryType: string(what), at: step.At})
		c.news = append(c.news, news{order: o.Order, from: from.State, what: what, entry: entry})
	}
	return nil
}

func (c *changes) enter(o *lockedOrder, row timelineRow) *timelineRow {
	if !o.touched {
		o.touched = true
		c.touched = append(c.touched, o)
	}
	row.order, row.orderID, row.state = o, o.ID, o.Status.State
	c.timeline = append(c.timeline, &row)
	return &row
}

func (c *changes) write(ctx context.Context, tx *database.Tx, announce Announcer) error {
	if err := c.announce(ctx, tx, announce); err != nil {
		return err
	}
	entries, err := dropRepeated(ctx, tx, c.timeline)
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.order.TimelineLen++
		e.number = e.order.TimelineLen
	}
	if err := updateOrders(ctx, tx, c.touched); err != nil {
		return err
	}
	return insertTimeline(ctx, tx, entries)
}

func (c *changes) announce(ctx context.Context, tx *database.Tx, announce Announcer) error {
	if len(c.news) == 0 {
		return nil
	}
	ids := make([]string, len(c.news))
	for i, n := range c.news {
		ids[i] = n.order.ID
	}
	lines, err := linesOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	events := make([]proto.Message, len(c.news))
	eventIDs := make([]string, len(c.news))
	for i, n := range c.news {
		n.order.Quote.Lines = lines[n.order.ID]
		events[i] = announce(n.order, n.from, n.what)
		if eventIDs[i], err = newID(); err != nil {
			return err
		}
		n.entry.eventID = eventIDs[i]
	}
	return journal.AppendWithIDs(ctx, tx, eventIDs, events)
}

// lockOrders reads the orders of the steps, locked until the transaction ends, always in the order of their ids: batches
// that meet on several orders wait for each other and never deadlock. SQLite has one writer and needs no lock.
func lockOrders(ctx context.Context, tx *database.Tx, steps []Step) (map[string]*lockedOrder, error) {
	ids := make([]string, len(steps))
	for i, step := range steps {
		ids[i] = step.OrderID
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	query := `SELECT ` + orderColumns + ` FROM orders WHERE id IN ` + database.Tuples(1, len(ids)) + ` ORDER BY id`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, query, anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	orders := make(map[string]*lockedOrder, len(ids))
	for rows.Next() {
		o, err := scanOrder(rows)
		if err != nil {
			return nil, err
		}
		orders[o.ID] = &lockedOrder{Order: o, lockedVersion: o.Version}
	}
	return orders, rows.Err()
}

func updateOrders(ctx context.Context, tx *database.Tx, orders []*lockedOrder) error {
	rows := make([][]any, len(orders))
	for i, o := range orders {
		s := o.Status
		rows[i] = []any{
			string(s.State), string(s.Reason), string(s.Stock), string(s.Money), s.Confirmed, s.CancelRequest,
			string(s.RequestedReason), s.Recall, o.UpdatedAt, o.Version, o.TimelineLen, o.ID, o.lockedVersion,
		}
	}
	updated, err := tx.ExecEach(ctx, `UPDATE orders SET state = ?, reason = ?, stock = ?, money = ?, confirmed = ?, cancel_request = ?,
		requested_reason = ?, recall = ?, updated_at = ?, version = ?, timeline_len = ? WHERE id = ? AND version = ?`, rows)
	if err != nil {
		return err
	}
	if i := slices.Index(updated, 0); i >= 0 {
		return fault.Aborted("ORDER_CHANGED", "Order %s changed meanwhile; try again.", orders[i].ID)
	}
	return nil
}

// querier is a transaction or the read pool.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func linesOf(ctx context.Context, q querier, orderIDs []string) (map[string][]domain.Line, error) {
	lines := make(map[string][]domain.Line, len(orderIDs))
	if len(orderIDs) == 0 {
		return lines, nil
	}
	rows, err := q.Query(ctx, `SELECT order_id, beer_id, beer_name, quantity, unit_price FROM order_lines WHERE order_id IN `+
		database.Tuples(1, len(orderIDs))+` ORDER BY order_id, beer_id`, anys(orderIDs)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var l domain.Line
		if err := rows.Scan(&id, &l.BeerID, &l.BeerName, &l.Quantity, &l.UnitPrice); err != nil {
			return nil, err
		}
		lines[id] = append(lines[id], l)
	}
	return lines, rows.Err()
}
