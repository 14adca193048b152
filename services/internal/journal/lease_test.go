package journal_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

func TestLease(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.FixedZone("x", 3*3600))
		acquire := func(holder string, after time.Duration) bool {
			ok, err := journal.AcquireLease(t.Context(), db, "relay", holder, 10*time.Second, start.Add(after))
			require.NoError(t, err)
			return ok
		}
		require.True(t, acquire("a", 0))
		require.False(t, acquire("b", 9*time.Second))
		require.True(t, acquire("a", 9*time.Second), "a renews")
		require.False(t, acquire("b", 11*time.Second))
		require.True(t, acquire("b", 19*time.Second), "it has run out")
		require.False(t, acquire("a", 20*time.Second))

		require.NoError(t, journal.ReleaseLease(t.Context(), db, "relay", "a"))
		require.False(t, acquire("a", 20*time.Second), "a can't release b's")
		require.NoError(t, journal.ReleaseLease(t.Context(), db, "relay", "b"))
		require.True(t, acquire("a", 20*time.Second))

		ok, err := journal.AcquireLease(t.Context(), db, "sweeper", "b", time.Second, start)
		require.NoError(t, err)
		require.True(t, ok, "each name is a lease of its own")

		require.NoError(t, journal.DropLeases(t.Context(), db))
		require.True(t, acquire("c", 20*time.Second), "whoever had it is dead")
	})
}

func TestOnlyOneAcquiresALease(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB) {
		now := db.Now()
		var holders atomic.Int32
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				ok, err := journal.AcquireLease(t.Context(), db, "relay", string(rune('a'+i)), time.Minute, now)
				if err != nil {
					t.Error(err)
				}
				if ok {
					holders.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, holders.Load())
	})
}
