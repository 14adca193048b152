package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	consul "github.com/hashicorp/consul/api"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// Cluster says where the parts of a cluster are.
type Cluster struct {
	DatabaseURL  string        `help:"The services' databases: a URL with {service} in it, such as postgres://taproom_{service}@host/taproom_{service}." placeholder:"URL"`
	NATSURL      string        `name:"nats-url" help:"The NATS servers, such as nats://one:4222,nats://two:4222." placeholder:"URL"`
	NATSUser     string        `name:"nats-user" default:"{service}" help:"User at NATS; {service} stands for the service's name."`
	NATSPassword string        `name:"nats-password" help:"The user's password; better given as TAPROOM_NATS_PASSWORD."`
	NATSReplicas int           `name:"nats-replicas" default:"3" help:"How many NATS servers keep each stream."`
	RedisURL     string        `help:"Redis, such as redis://host:6379." placeholder:"URL"`
	ConsulURL    string        `help:"The Consul agent, such as http://127.0.0.1:8500." placeholder:"URL"`
	ConsulToken  string        `help:"Its ACL token; better given as TAPROOM_CONSUL_TOKEN."`
	Secrets      string        `help:"Folder with the shop's secrets, made by taproom secrets; only user and payment read it." type:"path" placeholder:"DIR"`
	StartTimeout time.Duration `default:"1m" help:"How long to wait for parts that do not answer yet."`
}

// complete says which settings of the parts are missing.
func (c Cluster) complete(databases bool) error {
	needed := []struct{ flag, value string }{
		{"--nats-url", c.NATSURL}, {"--redis-url", c.RedisURL}, {"--consul-url", c.ConsulURL},
	}
	if databases {
		needed = append(needed, struct{ flag, value string }{"--database-url", c.DatabaseURL})
	}
	var missing []error
	for _, n := range needed {
		if n.value == "" {
			missing = append(missing, fmt.Errorf("%s is missing: services that run on their own need it", n.flag))
		}
	}
	return errors.Join(missing...)
}

// await opens a part, trying again while it does not answer.
func (c Cluster) await(ctx context.Context, log *slog.Logger, part string, open func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.StartTimeout)
	defer cancel()
	for told := false; ; told = true {
		err := open(ctx)
		if err == nil {
			return nil
		}
		if !told {
			log.WarnContext(ctx, "a part does not answer yet", slog.String("part", part), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", part, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// database opens the database of a service, which must be at the version that this program knows.
func (c Cluster) database(ctx context.Context, s service, log *slog.Logger) (db *database.DB, err error) {
	urls, err := forEach(c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	err = c.await(ctx, log, "the database of "+s.name, func(ctx context.Context) error {
		db, err = database.Open(ctx, database.Config{URL: urls(s.name)})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := database.Check(ctx, db, s.migrations()...); err != nil {
		return nil, errors.Join(fmt.Errorf("the database of %s: %w", s.name, err), db.Close())
	}
	return db, nil
}

// broker connects to NATS as the service. Without a connection publishing fails at once: what waits is kept by outboxes.
func (c Cluster) broker(ctx context.Context, service string, log *slog.Logger) (conn *nats.Conn, err error) {
	options := []nats.Option{
		nats.Name("taproom " + service), nats.CustomInboxPrefix("_INBOX." + service),
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1), nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(2 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.WarnContext(ctx, "the connection to NATS is lost", slog.Any("error", err))
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			log.InfoContext(ctx, "connected to NATS again", slog.String("server", conn.ConnectedServerName()))
		}),
	}
	if c.NATSPassword != "" {
		options = append(options, nats.UserInfo(strings.ReplaceAll(c.NATSUser, placeholder, service), c.NATSPassword))
	}
	err = c.await(ctx, log, "NATS", func(context.Context) error {
		conn, err = nats.Connect(c.NATSURL, options...)
		return err
	})
	return conn, err
}

// streamsTimeout bounds an attempt at the streams.
const streamsTimeout = 5 * time.Second

// streams makes the streams that the service looks after as they are declared, and waits until all streams are there.
func (c Cluster) streams(ctx context.Context, js jetstream.JetStream, service string, log *slog.Logger) error {
	return c.await(ctx, log, "the streams", func(ctx context.Context) error {
		// A server answers only one of two replicas that make a stream at the same time.
		ctx, cancel := context.WithTimeout(ctx, streamsTimeout)
		defer cancel()
		if err := messaging.ReconcileOwn(ctx, js, service, c.NATSReplicas); err != nil {
			return err
		}
		for _, stream := range messaging.Streams() {
			if _, err := js.Stream(ctx, stream.Name); err != nil {
				return fmt.Errorf("stream %s, which %s looks after: %w", stream.Name, messaging.OwnerOf(stream.Name), err)
			}
		}
		return nil
	})
}

// openRedis does not wait for Redis, which may be away at any time.
func (c Cluster) openRedis() (redis.UniversalClient, error) {
	options, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("--redis-url: %w; write redis://host:6379", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 500*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	options.MaxRetries = -1
	return redis.NewClient(options), nil
}

func (c Cluster) openConsul() (*consul.Client, error) {
	config := consul.DefaultConfig()
	config.Address, config.Token = c.ConsulURL, c.ConsulToken
	client, err := consul.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("--consul-url: %w; write http://127.0.0.1:8500", err)
	}
	return client, nil
}
