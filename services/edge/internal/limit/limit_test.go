package limit_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/edge/internal/limit"
	"github.com/taproom-shop/taproom/services/internal/cache/cachetest"
	"github.com/taproom-shop/taproom/services/internal/optional"
)

const from = "203.0.113.9"

// newEdge limits calls of handler. On a busy machine Redis may take as long as patience.
func newEdge(server *cachetest.Redis, patience time.Duration, cfg limit.Config, handler http.HandlerFunc) http.Handler {
	cfg.IsStream = func(*http.Request) bool { return true }
	cfg.Redis = optional.New(server.Client, patience, slog.New(slog.DiscardHandler))
	return limit.New(cfg).Wrap(handler)
}

func nothing(http.ResponseWriter, *http.Request) {}

func status(handler http.Handler, address string) int {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Taproom-Client-Ip", address)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code
}

// passed is how many calls of an address the edges let through in turns, before each refuses it.
func passed(address string, edges ...http.Handler) int {
	all, refusing := 0, 0
	for i := 0; refusing < len(edges); i++ {
		if status(edges[i%len(edges)], address) == http.StatusOK {
			all++
			refusing = 0
		} else {
			refusing++
		}
	}
	return all
}

func TestEdgesLimitCallsTogether(t *testing.T) {
	const burst = 100
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		cfg := limit.Config{Rate: 0.0001, Burst: burst}
		one, two := newEdge(server, 2*time.Second, cfg, nothing), newEdge(server, 2*time.Second, cfg, nothing)
		address := 0
		passedNext := func() int {
			address++
			return passed(fmt.Sprint("203.0.113.", address), one, two)
		}
		shared := func() bool { return passedNext() == burst }
		require.Eventually(t, shared, 30*time.Second, time.Millisecond)

		server.Kill()
		require.Equal(t, 2*burst, passedNext(), "each edge by itself")
		server.Start()
		require.Eventually(t, shared, 30*time.Second, 10*time.Millisecond)

		server.Hang()
		require.Equal(t, 2*burst, passedNext(), "each edge by itself")
		server.Resume()
		require.Eventually(t, shared, 30*time.Second, 10*time.Millisecond)
	})
}

func TestTheSharedLimitFillsUpAtItsRate(t *testing.T) {
	const perSecond, burst, callers = 200, 50, 6
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		cfg := limit.Config{Rate: perSecond, Burst: burst}
		edges := []http.Handler{newEdge(server, time.Minute, cfg, nothing), newEdge(server, time.Minute, cfg, nothing)}
		var all atomic.Int64
		var running sync.WaitGroup
		began := time.Now()
		for i := range callers {
			running.Go(func() {
				for time.Since(began) < 2*time.Second {
					if status(edges[i%len(edges)], from) == http.StatusOK {
						all.Add(1)
					}
				}
			})
		}
		running.Wait()
		require.LessOrEqual(t, float64(all.Load()), burst+perSecond*time.Since(began).Seconds()+1)
		require.Greater(t, all.Load(), int64(2*burst), "it fills up")
	})
}

func TestEdgesLimitStreamsTogether(t *testing.T) {
	cachetest.Each(t, func(t *testing.T, server *cachetest.Redis) {
		begun, end := make(chan struct{}), make(chan struct{})
		stream := func(http.ResponseWriter, *http.Request) {
			begun <- struct{}{}
			<-end
		}
		cfg := limit.Config{Streams: 2}
		one, two := newEdge(server, time.Minute, cfg, stream), newEdge(server, time.Minute, cfg, stream)
		ended := make(chan int)
		begin := func(handler http.Handler) {
			go func() { ended <- status(handler, from) }()
			<-begun
		}
		begin(one)
		begin(two)
		require.Equal(t, http.StatusTooManyRequests, status(one, from))
		require.Equal(t, http.StatusTooManyRequests, status(two, from))
		keys := server.Client.Keys(t.Context(), "*").Val()
		require.Len(t, keys, 1)
		require.Positive(t, server.Client.PTTL(t.Context(), keys[0]).Val(), "places of an edge that died are free again one day")

		end <- struct{}{}
		require.Equal(t, http.StatusOK, <-ended)
		require.Eventually(t, func() bool { return server.Client.ZCard(t.Context(), keys[0]).Val() == 1 }, 30*time.Second, time.Millisecond)
		begin(two)
		require.Equal(t, http.StatusTooManyRequests, status(two, from), "both places are taken again")

		server.Kill()
		begin(one) // which has at most one of the two
		for range 3 {
			end <- struct{}{}
			require.Equal(t, http.StatusOK, <-ended)
		}
	})
}
