package discovery_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// front serves a cluster's service as the edge does, with calls marked repeatable if asked to.
func (c *cluster) front(repeatable bool) string {
	handler := c.resolver.Handler(c.service)
	return startServer(c.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if repeatable {
			r = r.WithContext(discovery.Repeatable(r.Context()))
		}
		handler.ServeHTTP(w, r)
	}), false).URL
}

func TestNoReadFailsWhenInstancesDie(t *testing.T) {
	c := newSharedCluster(t)
	all := c.start(4, echo())
	c.await(all...)
	url := c.front(true)
	client := &http.Client{Transport: h2c(t)}

	const workers, deaths = 6, 3
	var (
		calls  sync.WaitGroup
		done   atomic.Int64
		ctx    = t.Context()
		die    = make(chan struct{})
		killed = make(chan struct{})
	)
	for w := range workers {
		calls.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-killed:
					if n > 100 {
						return
					}
				default:
				}
				protocol := []connect.ClientOption{connect.WithClientOptions(), connect.WithGRPC(), connect.WithGRPCWeb()}[n%3]
				sent := string(bytes.Repeat([]byte{'a' + byte(w)}, n%3*10_000))
				answer, err := connect.NewClient[text, text](client, url+unaryPath, protocol).
					CallUnary(ctx, connect.NewRequest(wrapperspb.String(sent)))
				if err != nil || answer.Msg.GetValue() != sent {
					t.Errorf("a read failed: %v", err)
					return
				}
				if done.Add(1)%200 == 0 {
					select {
					case die <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	for n := range deaths {
		<-die
		all[n].kill()
	}
	close(killed)
	calls.Wait()
	require.Greater(t, done.Load(), int64(400))
}

// TestOnlyRepeatableCallsAreSentTwice has instances that take a call and then break off.
func TestOnlyRepeatableCallsAreSentTwice(t *testing.T) {
	var broken atomic.Int64 // calls still to be broken
	var mu sync.Mutex
	reached := make(map[string]int) // by the call's name
	handler := func(late bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			reached[r.Header.Get("Call")]++
			mu.Unlock()
			if broken.Add(-1) >= 0 {
				if late {
					_, _ = w.Write([]byte("half of"))
					_ = http.NewResponseController(w).Flush()
				}
				panic(http.ErrAbortHandler)
			}
			_, _ = w.Write([]byte(strconv.Itoa(len(body))))
		})
	}
	for name, late := range map[string]bool{"before the answer": false, "within the answer": true} {
		t.Run(name, func(t *testing.T) {
			c := newSharedCluster(t)
			c.await(c.start(3, handler(late))...)
			client := &http.Client{Transport: h2c(t)}
			send := func(url string, size int) (ok bool, times int) {
				call := newName()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/call", bytes.NewReader(make([]byte, size)))
				require.NoError(t, err)
				req.Header.Set("Call", call)
				answer, err := client.Do(req)
				if err == nil {
					var content []byte
					content, err = io.ReadAll(answer.Body)
					require.NoError(t, answer.Body.Close())
					ok = err == nil && answer.StatusCode == http.StatusOK && string(content) == strconv.Itoa(size)
				}
				mu.Lock()
				defer mu.Unlock()
				return ok, reached[call]
			}
			reads, writes := c.front(true), c.front(false)

			broken.Store(1)
			ok, times := send(writes, 10)
			require.False(t, ok)
			require.Equal(t, 1, times, "a write is sent once")

			broken.Store(2)
			ok, times = send(reads, 200<<10)
			require.True(t, ok, "a read is sent until an instance answers")
			require.Equal(t, 3, times)

			broken.Store(100)
			ok, times = send(reads, 10)
			require.False(t, ok)
			require.Equal(t, 3, times, "but not for ever")

			broken.Store(1)
			ok, times = send(reads, 300<<10)
			require.False(t, ok, "a body this large is not kept")
			require.Equal(t, 1, times)
			broken.Store(0)
			ok, _ = send(reads, 300<<10)
			require.True(t, ok)
		})
	}
}

func TestPeersCallsAreRepeatedAsMarked(t *testing.T) {
	c := newSharedCluster(t)
	var broken, reached atomic.Int64
	whole := echo()
	c.await(c.start(2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		if broken.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		whole.ServeHTTP(w, r)
	}))...)
	client := connect.NewClient[text, text](&http.Client{Transport: c.resolver.Transport(c.service)}, c.resolver.URL(c.service)+unaryPath)
	call := func(ctx context.Context) error {
		broken.Store(1)
		reached.Store(0)
		_, err := client.CallUnary(ctx, connect.NewRequest(wrapperspb.String("beer")))
		return err
	}
	require.Error(t, call(t.Context()))
	require.EqualValues(t, 1, reached.Load())
	require.NoError(t, call(discovery.Repeatable(t.Context())))
	require.EqualValues(t, 2, reached.Load())
}
