// Package consumer makes the cart's projection, and lets orders and accounts change carts.
package consumer

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// Projector writes what queries read.
type Projector struct {
	db      *database.DB
	events  *eventstore.Store
	changed func(cartID string)
}

// NewProjector returns a projector of the carts in events to db, which calls changed after each commit.
func NewProjector(db *database.DB, events *eventstore.Store, changed func(cartID string)) *Projector {
	return &Projector{db: db, events: events, changed: changed}
}

// Consumer is the stream of carts. An event only says that its cart changed: the cart itself is folded from the store, so
// that neither order nor repetition of events matters.
func (p *Projector) Consumer() messaging.Consumer {
	return messaging.Consumer{Name: "cart-carts", Stream: "CARTS", Batch: p.project, Routes: []messaging.Route{
		messaging.TakeSubject[*eventv1.CartEvent](eventstore.Subject("*"), messaging.Unlimited()),
	}}
}

func (p *Projector) project(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
	newest := make(map[string]uint64, len(events))
	for _, ev := range events {
		newest[ev.AggregateID()] = max(newest[ev.AggregateID()], ev.Sequence)
	}
	return p.write(ctx, tx, newest)
}

// Project writes a cart as it is now, for those who can't wait for word of its last event.
func (p *Projector) Project(ctx context.Context, cartID string) error {
	return p.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return p.write(ctx, tx, map[string]uint64{cartID: 0})
	})
}

// write writes carts, each no older than its event of that sequence.
func (p *Projector) write(ctx context.Context, tx *database.Tx, newest map[string]uint64) error {
	ids := slices.Sorted(maps.Keys(newest))
	if err := store.Lock(ctx, tx, ids...); err != nil {
		return err
	}
	carts, err := p.load(ctx, ids, newest)
	if err != nil {
		return err
	}
	if err := store.Put(ctx, tx, carts); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		for _, cart := range carts {
			p.changed(cart.ID)
		}
	})
	return nil
}

// load folds carts side by side, since each costs a round trip to the broker, or the wait for who changes the cart. It leaves
// out those that were purged.
func (p *Projector) load(ctx context.Context, ids []string, newest map[string]uint64) ([]*domain.Cart, error) {
	carts := make([]*domain.Cart, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			carts[i], err = p.events.LoadSince(ctx, id, newest[id])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(carts, func(c *domain.Cart) bool { return c.Version == 0 }), nil
}
