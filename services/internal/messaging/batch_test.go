package messaging_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func batchConsumer(batch func(ctx context.Context, tx *database.Tx, events []messaging.Event) error) messaging.Consumer {
	c := orderConsumer("batch", messaging.Take[*eventv1.OrderPlaced]())
	c.Batch = batch
	return c
}

func TestABatchTakesEveryEventOnceInOrder(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		var sizes []int
		p, err := messaging.NewProcessor(batchConsumer(func(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
			sizes = append(sizes, len(events))
			for _, ev := range events {
				if err := count(ctx, tx, ev); err != nil {
					return err
				}
			}
			return nil
		}), db)
		require.NoError(t, err)
		msgs := placedMessages(t, 3)
		p.Process(t.Context(), append(msgs, msgs[0]))
		p.Process(t.Context(), msgs)
		require.Equal(t, []int{3}, sizes, "repeats never reach the handler")
		require.Len(t, aggregates(t, db), 3)
	})
}

func TestABatchThatFailsIsTriedOneByOne(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		p, err := messaging.NewProcessor(batchConsumer(func(ctx context.Context, tx *database.Tx, events []messaging.Event) error {
			for _, ev := range events {
				if ev.ID == eventID(1) {
					return errors.New("spoilt")
				}
				if err := count(ctx, tx, ev); err != nil {
					return err
				}
			}
			return nil
		}), db)
		require.NoError(t, err)
		outcomes := p.Process(t.Context(), placedMessages(t, 3))
		require.Equal(t, []messaging.Action{messaging.Ack, messaging.Nak, messaging.Ack}, actions(outcomes))
		require.Len(t, aggregates(t, db), 2)
	})
}

func TestRoutesAndBatchGoTogether(t *testing.T) {
	_, err := messaging.NewProcessor(orderConsumer("none", messaging.Take[*eventv1.OrderPlaced]()), nil)
	require.ErrorContains(t, err, "need a Batch")
	c := batchConsumer(func(context.Context, *database.Tx, []messaging.Event) error { return nil })
	c.Routes = []messaging.Route{messaging.On(countPlaced)}
	_, err = messaging.NewProcessor(c, nil)
	require.ErrorContains(t, err, "need a Batch")
}
