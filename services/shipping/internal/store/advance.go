package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
)

// Step is something that happens to the shipment of an order.
type Step struct {
	OrderID string
	domain.Input
	At time.Time
	// DeliveredAt is when the customer got the parcel; of a delivery.
	DeliveredAt time.Time
	// UserID and MethodID are needed by what may make the shipment: a payment, or a cancellation that comes before it.
	UserID, MethodID string
}

// Advance carries the steps out, in order, inside tx: the state machine decides on locked rows, and rows and events are
// written together. All steps of a batch cost the statements of a few. It answers the shipments of the steps as they are
// then, by order. A step that the state does not allow is SHIPMENT_NOT_FOUND or SHIPMENT_STATE_CONFLICT and leaves the
// batch undone.
func (s *Store) Advance(ctx context.Context, tx *database.Tx, steps ...Step) (map[string]domain.Shipment, error) {
	batch, err := lock(ctx, tx, steps)
	if err != nil {
		return nil, err
	}
	var events []proto.Message
	for _, step := range steps {
		what, err := batch.apply(step)
		if err != nil {
			return nil, err
		}
		events = append(events, what...)
	}
	changed, err := batch.write(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := journal.Append(ctx, tx, events...); err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		tx.AfterCommit(func() { s.onChange(changed) })
	}
	after := make(map[string]domain.Shipment, len(batch))
	for id, l := range batch {
		after[id] = l.Shipment
	}
	return after, nil
}

// locked are the shipments of a batch while its transaction holds them, by order.
type locked map[string]*lockedShipment

type lockedShipment struct {
	domain.Shipment
	version int64 // in the database; 0: not yet there
}

// lock reads the shipments of the steps and locks them until the transaction ends, always in the order of their orders'
// ids: batches that meet on several shipments wait for each other and never deadlock. SQLite has one writer and needs no
// lock.
func lock(ctx context.Context, tx *database.Tx, steps []Step) (locked, error) {
	batch := make(locked, len(steps))
	var ids []any
	for _, step := range steps {
		if _, ok := batch[step.OrderID]; !ok {
			batch[step.OrderID] = &lockedShipment{Shipment: domain.Shipment{OrderID: step.OrderID}}
			ids = append(ids, step.OrderID)
		}
	}
	query := `SELECT ` + columns + ` FROM shipments WHERE order_id IN ` + database.Tuples(1, len(ids)) + ` ORDER BY order_id`
	if tx.Dialect() == dialect.Postgres {
		query += ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, query, ids...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		shipment, err := scan(rows)
		if err != nil {
			return nil, err
		}
		batch[shipment.OrderID] = &lockedShipment{Shipment: shipment, version: shipment.Version}
	}
	return batch, rows.Err()
}

// apply carries one step out and answers what to tell of it.
func (b locked) apply(step Step) ([]proto.Message, error) {
	s := b[step.OrderID]
	before := s.Shipment
	next, what, err := s.Apply(step.Input)
	if err != nil {
		if before.State == domain.Unknown {
			return nil, ErrNotFound(step.OrderID)
		}
		return nil, conflict(before).WithCause(err)
	}
	if next == before.Status {
		return nil, nil
	}
	if before.State == domain.Unknown {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		s.ID, s.UserID, s.MethodID, s.CreatedAt = id.String(), step.UserID, step.MethodID, step.At
	}
	s.Status = next
	s.Version++
	s.UpdatedAt = step.At
	events := make([]proto.Message, len(what))
	for i, announcement := range what {
		events[i] = eventOf(announcement, before, s.Shipment, step)
	}
	return events, nil
}

// conflict is the answer to a step that a shipment's state, or who has the parcel, does not allow.
func conflict(s domain.Shipment) *fault.Error {
	with := ""
	switch {
	case !s.State.OnTheRoad():
	case s.Carriage.By == domain.ByCourier:
		with = " and with a courier"
	default:
		with = " and was handed over by staff"
	}
	return fault.FailedPrecondition("SHIPMENT_STATE_CONFLICT", "The shipment is %s%s, which does not allow that.", s.State, with).
		With("state", string(s.State)).With("carried_by", string(s.Carriage.By))
}

// write keeps the shipments that changed and answers their orders.
func (b locked) write(ctx context.Context, tx *database.Tx) (changed []string, err error) {
	for id, s := range b {
		if s.Version != s.version {
			changed = append(changed, id)
		}
	}
	slices.Sort(changed)
	var added []domain.Shipment
	var rows [][]any
	for _, id := range changed {
		s := b[id]
		if s.version == 0 {
			added = append(added, s.Shipment)
			continue
		}
		rows = append(rows, []any{
			string(s.State), s.Reason, s.Answered, s.Step, s.Progress,
			string(s.Carriage.By), s.Carriage.Carrier, s.Carriage.Reference, s.Version, s.UpdatedAt, s.OrderID, s.version,
		})
	}
	updated, err := tx.ExecEach(ctx, `UPDATE shipments SET state = ?, reason = ?, answered = ?, step = ?, progress = ?,
		carried_by = ?, carrier = ?, reference = ?, version = ?, updated_at = ?
		WHERE order_id = ? AND version = ?`, rows)
	if err != nil {
		return nil, err
	}
	if slices.Contains(updated, 0) {
		return nil, errChanged
	}
	return changed, insert(ctx, tx, added)
}

// errChanged is met only when two transactions make the shipment of one order at the same time: the loser tries again.
var errChanged = fault.Aborted("SHIPMENT_CHANGED", "The shipment changed meanwhile; try again.")

func insert(ctx context.Context, tx *database.Tx, shipments []domain.Shipment) error {
	if len(shipments) == 0 {
		return nil
	}
	const width = 15
	args := make([]any, 0, width*len(shipments))
	for _, s := range shipments {
		args = append(args, s.ID, s.OrderID, s.UserID, s.MethodID, string(s.State), s.Reason, s.Answered, s.Step, s.Progress,
			string(s.Carriage.By), s.Carriage.Carrier, s.Carriage.Reference, s.Version, s.CreatedAt, s.UpdatedAt)
	}
	n, err := tx.Exec(ctx, `INSERT INTO shipments (`+columns+`) VALUES `+database.Tuples(len(shipments), width)+` ON CONFLICT (order_id) DO NOTHING`, args...)
	switch {
	case err != nil:
		return fmt.Errorf("keeping new shipments: %w", err)
	case n != int64(len(shipments)):
		return errChanged
	}
	tx.AfterCommit(tx.Signal(createdSignal).Notify)
	return nil
}
