package cluster

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/redis/go-redis/v9"
)

// addRedis makes the Redis server. It keeps nothing: what is lost with it is speed.
func (c *Cluster) addRedis() error {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("redis-server is not in PATH: install Redis (Debian's package is redis-server): %w", err)
	}
	address := c.state.address("redis")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	// In a file, since everybody sees a command line.
	config := filepath.Join(c.folder("redis"), "redis.conf")
	text := fmt.Sprintf("bind %s\nport %s\nrequirepass %s\ndir %q\nsave \"\"\nappendonly no\n", host, port, c.state.secret("redis"), c.folder("redis"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	c.redis, err = c.newProcess(program{
		name: "redis", kind: Redis, address: address,
		command: func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, binary, config) }, //nolint:gosec // an installed program
		ready: func(ctx context.Context) error {
			client := redis.NewClient(&redis.Options{Addr: address, Password: c.state.secret("redis"), MaxRetries: -1})
			defer func() { _ = client.Close() }()
			return client.Ping(ctx).Err()
		},
	})
	return err
}

// RedisURL is the address of Redis.
func (c *Cluster) RedisURL() string {
	return (&url.URL{Scheme: "redis", User: url.UserPassword("", c.state.secret("redis")), Host: c.redis.Address()}).String()
}
