package saga

import (
	"context"
	"log/slog"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/order/internal/announce"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

const (
	sweepEvery = time.Second
	sweepBatch = 100

	alarmEvery   = time.Minute
	lingersAfter = time.Hour
)

// Loops are what the saga does by the clock.
func (c *Coordinator) Loops() []module.Loop {
	return []module.Loop{
		module.Repeat(c.log, "sweeper", sweepEvery, nil, c.sweep),
		module.Repeat(c.log, "alarm", alarmEvery, nil, c.alarm),
	}
}

// sweep cancels orders that are pending past their deadline. Two sweepers at once do no harm: the state machine decides on
// the locked row, and the loser finds the order not pending any more.
func (c *Coordinator) sweep(ctx context.Context) (more bool, err error) {
	ids, err := c.store.Expired(ctx, c.clock(), sweepBatch)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	steps := make([]store.Step, len(ids))
	for i, id := range ids {
		steps[i] = store.Step{OrderID: id, Input: domain.Input{Kind: domain.DeadlinePassed}, At: c.clock()}
	}
	err = c.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return c.store.Advance(ctx, tx, announce.Event, steps...)
	})
	return len(ids) == sweepBatch, err
}

// alarm logs paid orders that stand still. Nothing but people can tell what to do with them. Each replica raises it, since none
// knows whether another one lives.
func (c *Coordinator) alarm(ctx context.Context) (more bool, err error) {
	ids, err := c.store.Lingering(ctx, c.clock().Add(-lingersAfter), sweepBatch)
	if len(ids) > 0 {
		c.log.ErrorContext(ctx, "paid orders stand still", slog.Any("order_ids", ids), slog.Duration("for_longer_than", lingersAfter))
	}
	return false, err
}
