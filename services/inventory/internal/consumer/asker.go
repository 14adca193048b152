package consumer

import (
	"context"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
	"github.com/taproom-shop/taproom/services/inventory/internal/store"
)

const (
	askEvery  = time.Minute
	askAtOnce = 100
	oldAfter  = 30 * time.Minute // longer than an order may stay pending
)

// Asker asks the order service what became of old reservations. Stock is never freed by a clock of its own: only an order
// that says it is cancelled gives its reservation back.
type Asker struct {
	db     *database.DB
	store  *store.Store
	orders orderv1connect.OrderStateServiceClient
	clock  func() time.Time
	log    *slog.Logger
}

// NewAsker returns an asker over the inventory service's store.
func NewAsker(db *database.DB, store *store.Store, orders orderv1connect.OrderStateServiceClient, clock func() time.Time, log *slog.Logger) *Asker {
	return &Asker{db: db, store: store, orders: orders, clock: clock, log: log}
}

// Loop asks now and then. Two replicas that ask at once only ask twice: who comes second finds the reservation released.
func (a *Asker) Loop() module.Loop {
	return module.Repeat(a.log, "old reservations", askEvery, nil, func(ctx context.Context) (more bool, err error) {
		return false, a.ask(ctx)
	})
}

// ask goes through all old open reservations, since many of them may be of orders that simply take their time.
func (a *Asker) ask(ctx context.Context) error {
	old := a.clock().Add(-oldAfter)
	for after := (store.OpenOrder{}); ; {
		open, err := a.store.OpenSince(ctx, old, after, askAtOnce)
		if err != nil || len(open) == 0 {
			return err
		}
		after = open[len(open)-1]
		ids := make([]string, len(open))
		for i, order := range open {
			ids[i] = order.ID
		}
		cancelled, err := a.cancelled(ctx, ids)
		if err != nil {
			return err
		}
		if err := a.release(ctx, cancelled); err != nil {
			return err
		}
	}
}

// cancelled answers those of the orders that the order service says are cancelled.
func (a *Asker) cancelled(ctx context.Context, orderIDs []string) ([]string, error) {
	res, err := a.orders.BatchGetOrderStates(ctx, &orderv1.BatchGetOrderStatesRequest{Ids: orderIDs})
	if err != nil {
		return nil, err
	}
	var cancelled []string
	for _, state := range res.GetStates() {
		if state.GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED {
			cancelled = append(cancelled, state.GetId())
		}
	}
	return cancelled, nil
}

func (a *Asker) release(ctx context.Context, orderIDs []string) error {
	if len(orderIDs) == 0 {
		return nil
	}
	a.log.WarnContext(ctx, "reservations of cancelled orders were still open", slog.Any("order_ids", orderIDs))
	return a.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return a.store.Change(ctx, tx, a.clock(), store.Touched{Orders: orderIDs}, store.Note{}, func(desk *domain.Desk) ([]proto.Message, error) {
			var events []proto.Message
			for _, id := range orderIDs {
				if desk.Release(id) {
					events = append(events, &eventv1.InventoryReleased{OrderId: id})
				}
			}
			return events, nil
		})
	})
}
