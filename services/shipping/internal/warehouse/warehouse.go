// Package warehouse is the simulated staff of the demo shop: it assembles what orders are paid for.
package warehouse

import (
	"context"
	"log/slog"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

const (
	sweepEvery = time.Second
	atOnce     = 200 // shipments in one transaction
)

// Warehouse takes shipments from CREATED to ASSEMBLED. Of several replicas each takes what the others have not locked.
type Warehouse struct {
	db           *database.DB
	store        *store.Store
	assemblyTime time.Duration
	clock        func() time.Time
	log          *slog.Logger
}

// New returns a warehouse that needs assemblyTime for each shipment; 0 means none at all.
func New(db *database.DB, store *store.Store, assemblyTime time.Duration, clock func() time.Time, log *slog.Logger) *Warehouse {
	return &Warehouse{db: db, store: store, assemblyTime: assemblyTime, clock: clock, log: log}
}

// Loop assembles what is to be assembled.
func (w *Warehouse) Loop() module.Loop {
	return module.Repeat(w.log, "warehouse", sweepEvery, w.store.Created(), w.Assemble)
}

// Assemble begins what is new and finishes what has had its time. more says that something may be left.
func (w *Warehouse) Assemble(ctx context.Context) (more bool, err error) {
	err = w.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := w.clock()
		begin, err := store.Waiting(ctx, tx, domain.Created, now, atOnce)
		if err != nil {
			return err
		}
		finish, err := store.Waiting(ctx, tx, domain.Assembling, now.Add(-w.assemblyTime), atOnce)
		if err != nil {
			return err
		}
		more = len(begin) == atOnce || len(finish) == atOnce
		if w.assemblyTime == 0 {
			finish = append(finish, begin...)
		}
		steps := make([]store.Step, 0, len(begin)+len(finish))
		for _, id := range begin {
			steps = append(steps, store.Step{OrderID: id, Input: domain.Input{Kind: domain.StartAssembly}, At: now})
		}
		for _, id := range finish {
			steps = append(steps, store.Step{OrderID: id, Input: domain.Input{Kind: domain.FinishAssembly}, At: now})
		}
		if len(steps) == 0 {
			return nil
		}
		_, err = w.store.Advance(ctx, tx, steps...)
		return err
	})
	return more, err
}
