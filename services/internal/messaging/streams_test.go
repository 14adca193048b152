package messaging_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func TestReconcileMakesEveryStreamAndChangesNothingTheSecondTime(t *testing.T) {
	b := emptyBroker(t)
	for range 2 {
		require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
	}
	for _, want := range messaging.Streams() {
		stream, err := b.js.Stream(t.Context(), want.Name)
		require.NoError(t, err)
		have := stream.CachedInfo().Config
		require.Equal(t, want.Subjects, have.Subjects)
		require.Equal(t, want.Retention, have.Retention)
		require.Equal(t, want.MaxAge, have.MaxAge)
		require.Equal(t, want.AllowRollup, have.AllowRollup)
		require.Equal(t, jetstream.FileStorage, have.Storage)
		require.Equal(t, 2*time.Minute, have.Duplicates)
	}
}

func TestReconcileAddsAndKeepsWhatAnOperatorSet(t *testing.T) {
	b := emptyBroker(t)
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: messaging.StreamCarts, Subjects: []string{"taproom.cart.*"}, Description: "kept", MaxBytes: 1 << 30,
	})
	require.NoError(t, err)
	require.NoError(t, messaging.Reconcile(t.Context(), b.js, 1))
	stream, err := b.js.Stream(t.Context(), messaging.StreamCarts)
	require.NoError(t, err)
	require.True(t, stream.CachedInfo().Config.AllowRollup)
	require.True(t, stream.CachedInfo().Config.AllowAtomicPublish)
	require.Equal(t, "kept", stream.CachedInfo().Config.Description)
	require.EqualValues(t, 1<<30, stream.CachedInfo().Config.MaxBytes)
}

func TestReconcileRefusesToLoseMessages(t *testing.T) {
	for name, have := range map[string]jetstream.StreamConfig{
		"its retention is":      {Name: messaging.StreamPackages, Subjects: []string{"taproom.package.>"}},
		"its storage is":        {Name: messaging.StreamOrders, Subjects: []string{"taproom.order.>"}, Storage: jetstream.MemoryStorage},
		"no longer declared":    {Name: messaging.StreamOrders, Subjects: []string{"taproom.order.>", "taproom.former.>"}},
		"lower max_age by hand": {Name: messaging.StreamCourier, Subjects: []string{"taproom.courier.>"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := emptyBroker(t)
			_, err := b.js.CreateStream(t.Context(), have)
			require.NoError(t, err)
			require.ErrorContains(t, messaging.Reconcile(t.Context(), b.js, 1), name)
		})
	}
}
