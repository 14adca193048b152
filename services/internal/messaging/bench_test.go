package messaging_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// BenchmarkConsumer measures a backlog being taken into a database: JetStream, inbox, one inserted row, acknowledgement.
func BenchmarkConsumer(b *testing.B) {
	onEachDatabaseB(b, func(b *testing.B, db *database.DB) {
		br := newBroker(b)
		msgs := make([]*eventv1.OrderPlaced, b.N)
		for i := range msgs {
			msgs[i] = placed(i)
			_, err := br.js.PublishMsgAsync(natsMessage(b, eventID(i), msgs[i]))
			require.NoError(b, err)
		}
		<-br.js.PublishAsyncComplete()
		var handled atomic.Int64
		done := make(chan struct{})
		b.ResetTimer()
		consume(b, br, db, orderConsumer("bench-orders", messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, _ *eventv1.OrderPlaced) error {
			if handled.Add(1) == int64(b.N) {
				close(done)
			}
			return count(ctx, tx, ev)
		})))
		<-done
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	})
}

// BenchmarkRelay measures a full outbox being published.
func BenchmarkRelay(b *testing.B) {
	onEachDatabaseB(b, func(b *testing.B, db *database.DB) {
		br := newBroker(b)
		for i := 0; i < b.N; i += 100 {
			batch := make([]proto.Message, 0, 100)
			for j := i; j < min(i+100, b.N); j++ {
				batch = append(batch, placed(j))
			}
			require.NoError(b, db.Tx(b.Context(), func(ctx context.Context, tx *database.Tx) error { return journal.Append(ctx, tx, batch...) }))
		}
		b.ResetTimer()
		relay(b, br.conn, db)
		for unpublished(b, db) > 0 {
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	})
}

func onEachDatabaseB(b *testing.B, bench func(b *testing.B, db *database.DB)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { bench(b, databasetest.SQLite(b, migrations...)) })
	b.Run("postgres", func(b *testing.B) { bench(b, databasetest.Postgres(b, migrations...)) })
}
