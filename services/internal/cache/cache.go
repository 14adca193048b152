// Package cache answers repeated reads of something that seldom changes: from messages that this process has already
// built, else from Redis, where all replicas put what one of them has built, else from its source.
//
// What is cached has a revision, a number that grows with every change. An answer is given only if it is at least as new
// as the newest revision that this process knows, and the process looks it up again when it hears of a change, or after a
// short time. Losing Redis, or missing a message about a change, makes answers slower or a little later, never wrong for
// longer than that.
package cache

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/optional"
)

const (
	// fillTimeout bounds the work for one answer, which goes on when the caller who began it leaves: others wait for it.
	fillTimeout = 10 * time.Second
	// memoryFactor estimates what a message takes in memory from its encoded size.
	memoryFactor = 3
)

// Config says what to cache where.
type Config struct {
	// Name sets the entries in Redis apart from those of others, such as `catalog`.
	Name string
	// Bytes bounds the messages kept in this process, roughly. What was not used for the longest time leaves first.
	Bytes int64
	// Redis is shared with other replicas; nil: none.
	Redis *optional.Redis
	// TTL is how long Redis keeps an entry, give or take a tenth.
	TTL time.Duration
	// Revision reads the revision of the source.
	Revision func(ctx context.Context) (int64, error)
	// MaxAge is how long a revision is believed without hearing of a change.
	MaxAge time.Duration
}

// Cache keeps answers. It is safe for concurrent use.
type Cache struct {
	revision *revision
	local    *lru
	shared   *shared
	flights  singleflight.Group
	counts   counts
}

// New returns an empty cache.
func New(cfg Config) *Cache {
	return &Cache{
		revision: &revision{read: cfg.Revision, maxAge: cfg.MaxAge},
		local:    newLRU(cfg.Bytes),
		shared:   &shared{redis: cfg.Redis, name: cfg.Name, ttl: cfg.TTL},
	}
}

// Invalidate makes every answer from now on at least as new as the source is now.
func (c *Cache) Invalidate() { c.revision.invalidate() }

// Load returns the answer to key, which names the question and its kind completely. If none is kept that is new enough,
// fill builds it from the source, once for all who ask at the same time, in this process and, while Redis works, in all
// others. Errors are not kept. The message is shared: nobody may change it.
func Load[M proto.Message](ctx context.Context, c *Cache, key string, fill func(ctx context.Context) (M, error)) (M, error) {
	var none M
	revision, err := c.revision.current(ctx)
	if err != nil {
		return none, fmt.Errorf("reading the revision: %w", err)
	}
	if kept, ok := c.local.get(key, revision).(M); ok {
		c.counts.memory.Add(1)
		return kept, nil
	}
	// A flight that began before a change must not answer who came after it.
	flight := c.flights.DoChan(strconv.FormatInt(revision, 10)+"/"+key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fillTimeout)
		defer cancel()
		return load(ctx, c, key, revision, fill)
	})
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case result := <-flight:
		if result.Err != nil {
			return none, result.Err
		}
		message, _ := result.Val.(M)
		return message, nil
	}
}

// load fetches the answer from Redis or builds it, and keeps it. It is stamped with the revision read before it was built,
// so that it is never taken for newer than it is.
func load[M proto.Message](ctx context.Context, c *Cache, key string, revision int64, fill func(ctx context.Context) (M, error)) (message M, err error) {
	data, claim := c.shared.claim(ctx, key, revision)
	if data != nil {
		kept, ok := message.ProtoReflect().New().Interface().(M)
		if ok && proto.Unmarshal(data, kept) == nil {
			c.counts.redis.Add(1)
			c.local.put(key, revision, kept, len(data)*memoryFactor)
			return kept, nil
		}
		// Another version of this program may have written what this one can't read.
	}
	defer func() {
		if err != nil {
			c.shared.release(ctx, claim)
		}
	}()
	c.counts.source.Add(1)
	if message, err = fill(ctx); err != nil {
		return message, err
	}
	if data, err = proto.Marshal(message); err != nil {
		return message, err
	}
	c.local.put(key, revision, message, len(data)*memoryFactor)
	c.shared.store(ctx, claim, revision, data)
	return message, nil
}
