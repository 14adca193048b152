package discovery_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	consulapi "github.com/hashicorp/consul/api"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/taproom-shop/taproom/services/internal/consultest"
	"github.com/taproom-shop/taproom/services/internal/discovery"
)

// cluster is a service with instances that answer with their own address.
type cluster struct {
	t        *testing.T
	client   *consulapi.Client
	service  string
	resolver *discovery.Consul
}

func newCluster(t *testing.T, client *consulapi.Client) *cluster {
	resolver := discovery.NewConsul(discovery.ConsulConfig{Client: client, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(resolver.Close)
	return &cluster{t, client, newName(), resolver}
}

func newSharedCluster(t *testing.T) *cluster { return newCluster(t, consultest.Shared(t).Operator(t)) }

// start adds instances that answer by handler, or with their own address.
func (c *cluster) start(n int, handler http.Handler) []*instance {
	instances := make([]*instance, n)
	for k := range instances {
		instances[k] = startInstance(c.t, handler, false)
		instances[k].register(c.t, c.client, c.service)
	}
	return instances
}

func (c *cluster) await(instances ...*instance) {
	awaitInstances(c.t, c.resolver, c.service, instances...)
}

// get makes a plain request and returns the answer.
func (c *cluster) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.resolver.URL(c.service)+path, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := c.resolver.Transport(c.service).RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return string(content), err
}

// who returns the addresses that answered n calls, one after the other.
func (c *cluster) who(n int) map[string]int {
	seen := make(map[string]int)
	for range n {
		address, err := c.get(c.t.Context(), whoPath)
		require.NoError(c.t, err)
		seen[address]++
	}
	return seen
}

func (i *instance) address() string { return i.Listener.Addr().String() }

func TestCallsAreSpreadAndNewInstancesFound(t *testing.T) {
	c := newSharedCluster(t)
	all := c.start(1, http.NotFoundHandler())
	c.await(all...)
	require.Len(t, c.who(3), 1)
	all = append(all, c.start(2, http.NotFoundHandler())...)
	c.await(all...)
	require.Len(t, c.who(60), 3)
}

func TestCallsGoWhereFewestArePending(t *testing.T) {
	c := newSharedCluster(t)
	release := make(chan struct{})
	began := make(chan struct{}, 1)
	slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		began <- struct{}{}
		<-release
	})
	c.await(c.start(2, slow)...)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer close(release)
	calls.Go(func() { _, _ = c.get(context.WithoutCancel(t.Context()), "/slow") })
	<-began
	require.Len(t, c.who(20), 1, "the one without a pending call takes them all")
}

func TestADeadInstanceCostsNoCall(t *testing.T) {
	c := newSharedCluster(t)
	all := c.start(3, http.NotFoundHandler())
	c.await(all...)
	c.who(10) // opens connections
	all[0].kill()
	all[1].kill()                       // Consul still believes in both
	require.Eventually(t, func() bool { // a connection that breaks may take a call with it
		address, err := c.get(t.Context(), whoPath)
		return err == nil && address == all[2].address()
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, map[string]int{all[2].address(): 50}, c.who(50))

	// A body that can be sent only once goes to the next instance too, since nobody took any of it.
	for range 3 {
		body := io.NopCloser(strings.NewReader("beer"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.resolver.URL(c.service)+whoPath, body)
		require.NoError(t, err)
		answer, err := c.resolver.Transport(c.service).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
	}

	all[2].kill()
	require.Eventually(t, func() bool {
		_, err := c.get(t.Context(), whoPath)
		return err != nil
	}, 5*time.Second, time.Millisecond)
	client := connect.NewClient[text, text](&http.Client{Transport: c.resolver.Transport(c.service)}, c.resolver.URL(c.service)+unaryPath)
	_, err := client.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("")))
	require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
}

func TestDrainingInstancesGetNoNewCallsAndKeepTheirStreams(t *testing.T) {
	c := newSharedCluster(t)
	next := make(chan struct{})
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			_, _ = fmt.Fprintln(w, "beer")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	draining := c.start(1, stream)[0]
	c.await(draining)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.resolver.URL(c.service)+"/stream", http.NoBody)
	require.NoError(t, err)
	answer, err := c.resolver.Transport(c.service).RoundTrip(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	read := func() {
		line := make([]byte, 5)
		_, err := io.ReadFull(answer.Body, line)
		require.NoError(t, err)
	}
	read()

	other := c.start(1, stream)[0]
	draining.notReady.Store(true)
	c.await(other)
	require.Equal(t, map[string]int{other.address(): 20}, c.who(20))
	next <- struct{}{}
	read()

	draining.notReady.Store(false)
	c.await(draining, other)
	require.NoError(t, draining.deregister(t.Context()))
	c.await(other)
	next <- struct{}{}
	read()

	require.NoError(t, other.deregister(t.Context()))
	c.await()
	_, err = c.get(t.Context(), whoPath)
	require.ErrorContains(t, err, "no instance")
	require.NoError(t, other.deregister(t.Context()), "once more does no harm")
}

func TestConsulMayGoAway(t *testing.T) {
	agent := consultest.Start(t)
	c := newCluster(t, agent.Operator(t))
	all := c.start(2, http.NotFoundHandler())
	c.await(all...)

	agent.Kill(t)
	require.Len(t, c.who(20), 2, "the instances known last are used")
	all[0].kill()
	require.Eventually(t, func() bool {
		_, err := c.get(t.Context(), whoPath)
		return err == nil
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, map[string]int{all[1].address(): 20}, c.who(20))
	added := c.start(1, http.NotFoundHandler())[0] // registers while nobody listens
	agent.Restart(t)
	c.await(all[0], all[1], added) // all[0] answers that it is ready, but is passed over
	require.NoError(t, all[0].deregister(t.Context()))
	c.await(all[1], added)

	// The agent loses all it knew: the instances register again, and nobody takes them for gone meanwhile.
	agent.Kill(t)
	agent.Wipe(t)
	watching, stop := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	var failed atomic.Int64
	watch.Go(func() {
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for watching.Err() == nil {
			if _, err := c.get(t.Context(), whoPath); err != nil {
				failed.Add(1)
			}
			<-pace.C
		}
	})
	agent.Restart(t)
	require.Eventually(t, func() bool {
		services, err := c.client.Agent().Services()
		return err == nil && len(services) == 2
	}, 20*time.Second, 50*time.Millisecond)
	latest := c.start(1, http.NotFoundHandler())[0]
	c.await(all[1], added, latest)
	stop()
	watch.Wait()
	require.Zero(t, failed.Load())
}

func TestRegistrationThatIsRefusedIsAnError(t *testing.T) {
	agent := consultest.Shared(t)
	client := agent.Service(t, newName())
	register := func(r discovery.Registration) error {
		_, err := discovery.Register(t.Context(), client, slog.New(slog.DiscardHandler), r)
		return err
	}
	require.ErrorContains(t, register(discovery.Registration{Service: newName(), Address: "127.0.0.1:1", ReadyURL: "http://127.0.0.1:1"}), "ermission")
	for _, address := range []string{"", "127.0.0.1", ":80", "127.0.0.1:0", "127.0.0.1:beer"} {
		require.ErrorContains(t, register(discovery.Registration{Service: "x", Address: address}), "host:port", address)
	}
}

func TestAClosedResolverAnswers(t *testing.T) {
	c := newSharedCluster(t)
	c.resolver.Close()
	c.resolver.Close()
	_, err := c.get(t.Context(), whoPath)
	require.ErrorContains(t, err, "shutting down")
}
