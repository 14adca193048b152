package catalog_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/internal/cache/cachetest"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func TestReplicasHearOfEachOthersChanges(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, redis *cachetest.Redis) {
		log := slog.New(slog.DiscardHandler)
		broker, conn, err := embedded.NATS(t.TempDir(), log)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, embedded.StopNATS(broker, conn)) })
		js, err := jetstream.New(conn)
		require.NoError(t, err)
		require.NoError(t, messaging.Reconcile(t.Context(), js, 1))

		db := sqlite(t)
		one, two := start(t, db, parts{conn, redis.Client}), start(t, db, parts{conn, redis.Client})
		one.run(t)
		two.run(t)
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- messaging.Relay{Service: catalog.Name, DB: db, NATS: conn, Log: log}.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			require.NoError(t, <-ended)
		})

		search := &catalogv1.ListBeersRequest{Filter: &catalogv1.BeerFilter{Query: "agua de mayo"}}
		for i, price := range []int64{301, 302, 303} {
			if i == 2 {
				redis.Kill()
			}
			update(t, one, catalog.SeedID("agua-de-mayo"), &catalogv1.BeerInput{PriceMinorUnits: price}, "price_minor_units")
			require.Equal(t, price, one.beer(t, "agua-de-mayo").GetPrice().GetMinorUnits(), "at once where it was changed")
			require.Eventually(t, func() bool {
				return two.beer(t, "agua-de-mayo").GetPrice().GetMinorUnits() == price &&
					two.list(t, search).GetBeers()[0].GetPrice().GetMinorUnits() == price
			}, 20*time.Second, 5*time.Millisecond)
		}
	})
}
