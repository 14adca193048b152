package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/taproom-shop/taproom/services/internal/cache"
	"github.com/taproom-shop/taproom/services/internal/cache/cachetest"
	"github.com/taproom-shop/taproom/services/internal/optional"
)

// source is what is cached: one text with a revision.
type source struct {
	mu       sync.Mutex
	revision int64
	text     string
	fills    atomic.Int64
	failure  error
}

func (s *source) set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	s.text = text
}

func (s *source) current(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, nil
}

func (s *source) fill(context.Context) (*wrapperspb.StringValue, error) {
	s.fills.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return wrapperspb.String(s.text), s.failure
}

// replica returns the cache of one process. Redis may take its time on a busy machine.
func replica(s *source, client redis.UniversalClient, maxAge time.Duration) *cache.Cache {
	return replicaWith(s, optional.New(client, 10*time.Second, slog.New(slog.DiscardHandler)), maxAge)
}

func replicaWith(s *source, shared *optional.Redis, maxAge time.Duration) *cache.Cache {
	return cache.New(cache.Config{
		Name: "test", Bytes: 1 << 20, Redis: shared, TTL: time.Minute, Revision: s.current, MaxAge: maxAge,
	})
}

func load(t *testing.T, c *cache.Cache, s *source) string {
	t.Helper()
	message, err := cache.Load(t.Context(), c, "key", s.fill)
	require.NoError(t, err)
	return message.GetValue()
}

func TestAnswersComeFromMemoryUntilInvalidated(t *testing.T) {
	s := &source{revision: 1, text: "one"}
	c := replica(s, nil, time.Hour)
	require.Equal(t, "one", load(t, c, s))
	s.set("two")
	require.Equal(t, "one", load(t, c, s), "nobody has told of the change")
	c.Invalidate()
	require.Equal(t, "two", load(t, c, s))
	c.Invalidate()
	require.Equal(t, "two", load(t, c, s))
	require.EqualValues(t, 2, s.fills.Load(), "a revision that stayed the same keeps the answers")
}

func TestMissedChangesAreNoticedAfterMaxAge(t *testing.T) {
	s := &source{revision: 1, text: "one"}
	c := replica(s, nil, 20*time.Millisecond)
	require.Equal(t, "one", load(t, c, s))
	s.set("two")
	require.Eventually(t, func() bool { return load(t, c, s) == "two" }, 10*time.Second, time.Millisecond)
}

func TestErrorsAreNotKept(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{revision: 1, text: "one", failure: errors.New("out of order")}
		c := replica(s, server.Client, time.Hour)
		_, err := cache.Load(t.Context(), c, "key", s.fill)
		require.ErrorIs(t, err, s.failure)
		s.failure = nil
		began := time.Now()
		require.Equal(t, "one", load(t, c, s))
		require.Less(t, time.Since(began), time.Second, "a failed attempt must give up its claim")
	})
}

func TestOneFillPerMissAcrossReplicas(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{revision: 1, text: "one"}
		replicas := []*cache.Cache{replica(s, server.Client, time.Hour), replica(s, server.Client, time.Hour), replica(s, server.Client, time.Hour)}
		for round := range 5 {
			s.set(fmt.Sprint("round ", round))
			s.fills.Store(0)
			var callers sync.WaitGroup
			for _, c := range replicas {
				c.Invalidate()
				for range 10 {
					callers.Go(func() {
						message, err := cache.Load(t.Context(), c, "key", s.fill)
						if err != nil || message.GetValue() != fmt.Sprint("round ", round) {
							t.Errorf("got %q, %v", message.GetValue(), err)
						}
					})
				}
			}
			callers.Wait()
			require.EqualValues(t, 1, s.fills.Load())
		}
	})
}

func TestTheClaimOfADeadFillerRunsOut(t *testing.T) {
	server := cachetest.Server(t)
	s := &source{revision: 1, text: "one"}
	dead := make(chan struct{})
	defer close(dead)
	began := make(chan struct{})
	go func() {
		_, _ = cache.Load(context.WithoutCancel(t.Context()), replica(s, server.Client, time.Hour), "key", func(context.Context) (*wrapperspb.StringValue, error) {
			close(began)
			<-dead
			return nil, errors.New("dead")
		})
	}()
	<-began
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			message, err := cache.Load(t.Context(), replica(s, server.Client, time.Hour), "key", s.fill)
			if err != nil || message.GetValue() != "one" {
				t.Errorf("got %q, %v", message.GetValue(), err)
			}
		})
	}
	callers.Wait()
	require.Less(t, s.fills.Load(), int64(4), "who waited does not build it all at once")
}

func TestOlderValueNeverOverwritesNewer(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{revision: 1, text: "old"}
		slow, fast, late := replica(s, server.Client, time.Hour), replica(s, server.Client, time.Hour), replica(s, server.Client, time.Hour)

		// The slow replica reads the old text, and stores it only after the fast one has stored the new.
		reading, goOn := make(chan struct{}), make(chan struct{})
		done := make(chan string, 1)
		go func() {
			message, err := cache.Load(t.Context(), slow, "key", func(ctx context.Context) (*wrapperspb.StringValue, error) {
				old, err := s.fill(ctx)
				close(reading)
				<-goOn
				return old, err
			})
			if err != nil {
				t.Error(err)
			}
			done <- message.GetValue()
		}()
		<-reading
		s.set("new")
		require.Equal(t, "new", load(t, fast, s), "waits for the claim to run out, then builds")
		close(goOn)
		require.Equal(t, "old", <-done, "it asked before the change")

		s.fills.Store(0)
		require.Equal(t, "new", load(t, late, s))
		require.Zero(t, s.fills.Load(), "the new value is still in Redis")
		slow.Invalidate()
		require.Equal(t, "new", load(t, slow, s))
		require.Zero(t, s.fills.Load())
	})
}

// Many read while the source changes and Redis is killed, comes back empty, hangs and goes on. Nobody gets an error, or
// less than what was there when the question was asked.
func TestLosingRedisLosesOnlySpeed(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{}
		s.set("1")
		replicas := make([]*cache.Cache, 3)
		for i := range replicas {
			options := server.Options
			client := redis.NewClient(&options)
			defer client.Close()
			replicas[i] = replicaWith(s, optional.New(client, optional.Patience, slog.New(slog.DiscardHandler)), time.Millisecond)
		}
		var readers sync.WaitGroup
		var reads atomic.Int64
		stop := make(chan struct{})
		for i := range 12 {
			c := replicas[i%len(replicas)]
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					least, _ := s.current(t.Context())
					c.Invalidate()
					message, err := cache.Load(t.Context(), c, "key", s.fill)
					number, parseErr := strconv.ParseInt(message.GetValue(), 10, 64)
					if err != nil || parseErr != nil || number < least {
						t.Errorf("got %q, %v; the source was at %d", message.GetValue(), err, least)
						return
					}
					reads.Add(1)
				}
			})
		}
		goOn := func() {
			for range 3 {
				revision, _ := s.current(t.Context())
				s.set(strconv.FormatInt(revision+1, 10))
				before := reads.Load()
				require.Eventually(t, func() bool { return t.Failed() || reads.Load() > before+100 }, 20*time.Second, time.Millisecond)
			}
		}
		for _, happens := range []func(){func() {}, server.Kill, server.Start, server.Hang, server.Resume} {
			happens()
			goOn()
		}
		// What is in Redis comes from it again.
		require.Eventually(t, func() bool {
			goOn()
			return t.Failed() || server.Client.DBSize(t.Context()).Val() > 0
		}, 20*time.Second, time.Millisecond)
		close(stop)
		readers.Wait()
	})
}

func TestEmptiedRedisIsFilledAgain(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{revision: 1, text: "one"}
		require.Equal(t, "one", load(t, replica(s, server.Client, time.Hour), s))
		require.NoError(t, server.Client.FlushAll(t.Context()).Err())
		require.NoError(t, server.Client.ScriptFlush(t.Context()).Err())
		s.set("two")
		require.Equal(t, "two", load(t, replica(s, server.Client, time.Hour), s))
		s.fills.Store(0)
		require.Equal(t, "two", load(t, replica(s, server.Client, time.Hour), s))
		require.Zero(t, s.fills.Load())
	})
}

func TestUnreadableEntriesAreReplaced(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		s := &source{revision: 1, text: "one"}
		require.Equal(t, "one", load(t, replica(s, server.Client, time.Hour), s))
		keys := server.Client.Keys(t.Context(), "*").Val()
		require.Len(t, keys, 1)
		ttl := server.Client.PTTL(t.Context(), keys[0]).Val()
		require.Greater(t, ttl, 50*time.Second)
		require.LessOrEqual(t, ttl, 66*time.Second)

		require.NoError(t, server.Client.Set(t.Context(), keys[0], "0000000000000000001\xff\xff", time.Minute).Err())
		require.Equal(t, "one", load(t, replica(s, server.Client, time.Hour), s))
		s.fills.Store(0)
		require.Equal(t, "one", load(t, replica(s, server.Client, time.Hour), s))
		require.Zero(t, s.fills.Load())
	})
}

func TestMemoryIsBounded(t *testing.T) {
	var fills atomic.Int64
	c := cache.New(cache.Config{
		Bytes: 10_000, MaxAge: time.Hour,
		Revision: func(context.Context) (int64, error) { return 1, nil },
	})
	ask := func(key string) {
		_, err := cache.Load(t.Context(), c, key, func(context.Context) (*wrapperspb.StringValue, error) {
			fills.Add(1)
			return wrapperspb.String("some text"), nil
		})
		require.NoError(t, err)
	}
	for i := range 1000 {
		ask("often")
		ask(fmt.Sprint("seldom ", i))
	}
	require.EqualValues(t, 1001, fills.Load(), "what is used often stays")
	ask("seldom 0")
	require.EqualValues(t, 1002, fills.Load(), "what was not used for long has left")
}
