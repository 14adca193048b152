package journal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

var errStop = errors.New("stop")

func each(t *testing.T, test func(t *testing.T, db *database.DB)) {
	databasetest.Each(t, []database.Migrations{journal.Migrations, effects}, test)
}

func placed(id string) *eventv1.OrderPlaced { return &eventv1.OrderPlaced{OrderId: id, UserId: "u1"} }

func paid(id string) *eventv1.OrderPaid { return &eventv1.OrderPaid{OrderId: id, UserId: "u1"} }

func count(t *testing.T, db *database.DB, table string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func TestPrune(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			require.NoError(t, journal.Append(ctx, tx, placed("published"), placed("pending")))
			ids := make([]string, 2500) // more than one step
			for i := range ids {
				ids[i] = fmt.Sprint(i)
			}
			_, err := journal.Fresh(ctx, tx, "order-payments", ids)
			require.NoError(t, err)
			answer := func(context.Context) error { return nil }
			require.NoError(t, journal.Once(ctx, tx, "u1", "M", "week", placed("o"), placed(""), answer))
			require.NoError(t, journal.OnceForLife(ctx, tx, "u1", "M", "life", placed("o"), placed(""), answer))
			return nil
		}))
		now := db.Now()
		events, err := journal.Pending(t.Context(), db, 10)
		require.NoError(t, err)
		require.NoError(t, journal.MarkPublished(t.Context(), db, []string{events[0].ID}, now))

		require.NoError(t, journal.Prune(t.Context(), db, now.Add(23*time.Hour)))
		require.Equal(t, []int{2, 2500, 2}, []int{count(t, db, "outbox"), count(t, db, "inbox"), count(t, db, "requests")})
		require.NoError(t, journal.Prune(t.Context(), db, now.Add(25*time.Hour)))
		require.Equal(t, []int{1, 2500, 2}, []int{count(t, db, "outbox"), count(t, db, "inbox"), count(t, db, "requests")})
		require.NoError(t, journal.Prune(t.Context(), db, now.Add(9*24*time.Hour)))
		require.Equal(t, []int{1, 0, 1}, []int{count(t, db, "outbox"), count(t, db, "inbox"), count(t, db, "requests")})
		require.NoError(t, journal.Prune(t.Context(), db, now.Add(1000*24*time.Hour)))
		require.Equal(t, []int{1, 0, 1}, []int{count(t, db, "outbox"), count(t, db, "inbox"), count(t, db, "requests")})
	})
}
