package journal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

type transact = func(context.Context, func(context.Context, *database.Tx) error) error

// order sends a request for an order through Once, which answers with a number that is another each time it takes effect.
func order(ctx context.Context, transact transact, caller, requestID, orderID string, end error) (answer string, err error) {
	resp := new(eventv1.OrderPaid)
	err = transact(ctx, func(ctx context.Context, tx *database.Tx) error {
		return journal.Once(ctx, tx, caller, "taproom.order.v1.OrderService/PlaceOrder", requestID, placed(orderID), resp, func(ctx context.Context) error {
			if err := happen(ctx, tx, orderID); err != nil {
				return err
			}
			resp.OrderId = newID()
			return end
		})
	})
	return resp.GetOrderId(), err
}

func TestOnceAnswersAsFirst(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		id := newID()
		first, err := order(t.Context(), db.Tx, "u1", id, "o1", nil)
		require.NoError(t, err)
		again, err := order(t.Context(), db.Tx, "u1", strings.ToUpper(id), "o1", nil)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, 1, count(t, db, "effects"))

		_, err = order(t.Context(), db.Tx, "u1", id, "o2", nil)
		require.Equal(t, fault.KindAlreadyExists, fault.KindOf(err))
		require.Equal(t, "REQUEST_ID_REUSED", fault.ReasonOf(err))

		other, err := order(t.Context(), db.Tx, "u2", id, "o1", nil)
		require.NoError(t, err)
		require.NotEqual(t, first, other, "another caller may use the same id")
		require.Equal(t, 2, count(t, db, "effects"))

		_, err = order(t.Context(), db.Tx, "u1", "", "o1", nil)
		require.Equal(t, "REQUEST_ID_MISSING", fault.ReasonOf(err))
	})
}

func TestOnceForgetsErrors(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		id := newID()
		_, err := order(t.Context(), db.Tx, "u1", id, "o1", errStop)
		require.ErrorIs(t, err, errStop)
		swallowing := func(ctx context.Context, fn func(context.Context, *database.Tx) error) error {
			return db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
				_ = fn(ctx, tx)
				return nil
			})
		}
		_, err = order(t.Context(), swallowing, "u1", id, "o1", errStop)
		require.ErrorIs(t, err, errStop, "who swallows the error does not get to commit the claim")
		require.Zero(t, count(t, db, "requests"))
		require.Zero(t, count(t, db, "effects"))

		_, err = order(t.Context(), db.Tx, "u1", id, "another request even", nil)
		require.NoError(t, err)
	})
}

func TestOnceAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		for name, transact := range map[string]transact{"Tx": db.Tx, "GroupTx": db.GroupTx} {
			t.Run(name, func(t *testing.T) {
				before := count(t, db, "effects")
				id := newID()
				var failures atomic.Int32
				answers := make(chan string, 32)
				var all sync.WaitGroup
				for range 32 {
					all.Go(func() {
						// The first tries fail: they must not stand in the way of those that come after.
						var end error
						if failures.Add(1) <= 8 {
							end = errStop
						}
						answer, err := order(t.Context(), transact, "u1", id, "o1", end)
						switch {
						case err == nil:
							answers <- answer
						case !errors.Is(err, errStop):
							t.Error(err)
						}
					})
				}
				all.Wait()
				close(answers)
				first := <-answers
				n := 1
				for answer := range answers {
					require.Equal(t, first, answer)
					n++
				}
				require.GreaterOrEqual(t, n, 24)
				require.Equal(t, before+1, count(t, db, "effects"))
			})
		}
	})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
