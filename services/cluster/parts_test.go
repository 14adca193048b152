package cluster

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// scratch is an empty data folder that PostgreSQL's user can enter.
func scratch(t *testing.T) string {
	folder, err := os.MkdirTemp("/tmp", "taproom-cluster-") //nolint:usetesting // others can't enter what the test has
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	return folder
}

func open(t *testing.T, folder string) *Cluster {
	c, err := newCluster(Config{Root: filepath.Join("..", ".."), Data: folder}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Stop()) })
	return c
}

// brokers starts the NATS servers alone, with all streams.
func brokers(t *testing.T) *Cluster {
	c := open(t, scratch(t))
	require.NoError(t, c.addNATS(filepath.Join(c.cfg.Root, accounts)))
	require.NoError(t, c.each(t.Context(), c.nats, (*Process).Start))
	require.NoError(t, c.awaitJetStream(t.Context()))
	conn, js := connect(t, c, operator)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	require.NoError(t, until(ctx, func() error { // a leader may not have heard of all servers yet
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return messaging.Reconcile(attempt, js, natsServers)
	}))
	return c
}

func connect(t *testing.T, c *Cluster, user string) (*nats.Conn, jetstream.JetStream) {
	conn, err := c.ConnectNATS(user)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return conn, js
}

func TestServicesMayDoAtNATSWhatIsTheirsAlone(t *testing.T) {
	c := brokers(t)
	_, order := connect(t, c, "order")
	_, payment := connect(t, c, "payment")
	courierConn, courier := connect(t, c, "courier")

	// What is its own, each may do.
	require.NoError(t, messaging.ReconcileOwn(t.Context(), order, "order", natsServers))
	_, err := order.Publish(t.Context(), "taproom.order.placed.1", nil)
	require.NoError(t, err)
	durable := jetstream.ConsumerConfig{Durable: "payment-orders", AckPolicy: jetstream.AckExplicitPolicy, FilterSubjects: []string{"taproom.order.placed.*"}}
	consumer, err := payment.CreateOrUpdateConsumer(t.Context(), "ORDERS", durable)
	require.NoError(t, err)
	msg, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
	require.NoError(t, err)
	require.NoError(t, msg.DoubleAck(t.Context()))
	revoked := jetstream.OrderedConsumerConfig{FilterSubjects: []string{"taproom.user.sessions_revoked.*"}}
	_, err = courier.OrderedConsumer(t.Context(), "USERS", revoked)
	require.NoError(t, err)

	// What is another's, it may not.
	denied := make(chan error, 10)
	courierConn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err })
	refused := func(what string, do func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		go func() { _ = do(ctx) }()
		select {
		case err := <-denied:
			require.ErrorIs(t, err, nats.ErrPermissionViolation, what)
		case <-ctx.Done():
			require.Fail(t, "nobody refused it", what)
		}
	}
	refused("tell that an order was paid", func(context.Context) error {
		return courierConn.Publish("taproom.order.paid.1", nil)
	})
	refused("hear the answers to another", func(context.Context) error {
		_, err := courierConn.Subscribe("_INBOX.order.>", func(*nats.Msg) {})
		return err
	})
	refused("hear all events", func(context.Context) error {
		_, err := courierConn.Subscribe("taproom.>", func(*nats.Msg) {})
		return err
	})
	refused("purge a stream", func(ctx context.Context) error {
		stream, err := courier.Stream(ctx, "ORDERS")
		if err != nil {
			return err
		}
		return stream.Purge(ctx)
	})
	refused("take what is meant for another", func(context.Context) error {
		return courierConn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.ORDERS.payment-orders", courierConn.NewInbox(), []byte("1"))
	})
	refused("acknowledge for another", func(context.Context) error {
		return courierConn.Publish("$JS.ACK.ORDERS.payment-orders.1.1.1.1.0", nil)
	})
	refused("read orders by a consumer of its own", func(ctx context.Context) error {
		_, err := courier.CreateOrUpdateConsumer(ctx, "ORDERS", jetstream.ConsumerConfig{Durable: "courier-orders"})
		return err
	})
	refused("read of persons more than revocations", func(ctx context.Context) error {
		_, err := courier.OrderedConsumer(ctx, "USERS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"taproom.user.registered.*"}})
		return err
	})
	refused("change another's durable consumer", func(ctx context.Context) error {
		_, err := courier.CreateOrUpdateConsumer(ctx, "USERS", jetstream.ConsumerConfig{Durable: "payment-users", FilterSubject: "taproom.user.sessions_revoked.*"})
		return err
	})
	refused("delete a stream", func(ctx context.Context) error { return courier.DeleteStream(ctx, "COURIER") })
}

func TestStreamsOutliveAServer(t *testing.T) {
	c := brokers(t)
	_, order := connect(t, c, "order")
	require.NoError(t, c.nats[0].Kill())
	publish := func(subject string) {
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := order.Publish(ctx, subject, nil)
			return err == nil
		}, 20*time.Second, 50*time.Millisecond)
	}
	publish("taproom.order.placed.1")
	require.NoError(t, c.nats[0].Start(t.Context()))
	require.NoError(t, c.nats[1].Kill())
	publish("taproom.order.placed.2")
	stream, err := order.Stream(t.Context(), "ORDERS")
	require.NoError(t, err)
	require.EqualValues(t, natsServers, stream.CachedInfo().Config.Replicas)
}

func TestServicesGetAtConsulWhatIsTheirsAlone(t *testing.T) {
	c := open(t, scratch(t))
	require.NoError(t, c.addConsul(filepath.Join(c.cfg.Root, settings)))
	require.NoError(t, c.consul.Start(t.Context()))
	require.NoError(t, c.createTokens(t.Context()))
	client, err := c.consulClient(c.consulToken("order"))
	require.NoError(t, err)
	leaf, _, err := client.Agent().ConnectCALeaf("order", nil)
	require.NoError(t, err)
	require.Less(t, leaf.ValidBefore.Sub(leaf.ValidAfter), 2*time.Hour)
	_, _, err = client.Agent().ConnectCALeaf("payment", nil)
	require.ErrorContains(t, err, "403")
	_, err = client.KV().Delete("anything", nil)
	require.ErrorContains(t, err, "403")

	// The next start goes on.
	require.NoError(t, c.consul.Stop())
	require.NoError(t, c.consul.Start(t.Context()))
	require.NoError(t, c.createTokens(t.Context()))
	_, _, err = client.Agent().ConnectCALeaf("order", nil)
	require.NoError(t, err)
}

func TestServicesGetIntoTheirOwnDatabaseAlone(t *testing.T) {
	c := open(t, scratch(t))
	require.NoError(t, c.addPostgres(t.Context()))
	require.NoError(t, c.postgres.Start(t.Context()))
	require.NoError(t, c.createDatabases(t.Context()))
	require.NoError(t, c.createDatabases(t.Context()), "the next start finds them")
	ping := func(url string) error {
		db, err := sql.Open("pgx", url)
		require.NoError(t, err)
		defer db.Close()
		return db.PingContext(t.Context())
	}
	require.NoError(t, ping(c.DatabaseURL("order")))
	require.Error(t, ping(c.postgresURL("taproom_order", c.state.secret("database order"), "taproom_payment")))
	require.Error(t, ping(c.postgresURL("taproom_order", "wrong", "taproom_order")))
	require.Error(t, ping(c.postgresURL("postgres", "postgres", "postgres")))
	require.NoError(t, c.postgres.Kill())
	require.NoError(t, c.postgres.Start(t.Context()))
	require.NoError(t, ping(c.DatabaseURL("order")))
}

func TestRedisAsksForItsPassword(t *testing.T) {
	c := open(t, scratch(t))
	require.NoError(t, c.addRedis())
	require.NoError(t, c.redis.Start(t.Context()))
	require.NoError(t, c.redis.Kill())
	require.False(t, c.redis.Running())
	require.NoError(t, c.redis.Start(t.Context()))
	c.state.Secrets["redis"] = "wrong"
	require.ErrorContains(t, c.redis.ready(t.Context()), "WRONGPASS")
}
