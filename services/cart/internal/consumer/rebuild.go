package consumer

import (
	"context"
	"slices"

	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/database"
)

// rebuildStep is how many carts are written anew in one transaction.
const rebuildStep = 100

// Rebuild writes every cart anew from its events, whatever the projection says, and forgets those that have none. Carts may
// change meanwhile. It returns how many carts there are.
func (p *Projector) Rebuild(ctx context.Context) (int, error) {
	ids, err := p.events.Carts(ctx)
	if err != nil {
		return 0, err
	}
	for step := range slices.Chunk(ids, rebuildStep) {
		if err := p.rewrite(ctx, step); err != nil {
			return 0, err
		}
	}
	kept, err := store.New(p.db).IDs(ctx)
	if err != nil {
		return 0, err
	}
	slices.Sort(ids)
	gone := slices.DeleteFunc(kept, func(id string) bool {
		_, there := slices.BinarySearch(ids, id)
		return there
	})
	for step := range slices.Chunk(gone, rebuildStep) { // again by their events: some may have been begun meanwhile
		if err := p.rewrite(ctx, step); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func (p *Projector) rewrite(ctx context.Context, ids []string) error {
	return p.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := store.Lock(ctx, tx, ids...); err != nil {
			return err
		}
		if err := store.Remove(ctx, tx, ids); err != nil {
			return err
		}
		newest := make(map[string]uint64, len(ids))
		for _, id := range ids {
			newest[id] = 0
		}
		return p.write(ctx, tx, newest)
	})
}
