package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/server"
)

// run serves handler and returns its address, and what stops it and returns the outcome.
func run(t *testing.T, handler http.Handler) (address string, stop func() error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	outcome := make(chan error, 1)
	go func() { outcome <- server.Run(ctx, slog.New(slog.DiscardHandler), listener, handler) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-outcome:
			return err
		case <-time.After(20 * time.Second):
			return errors.New("the server did not stop")
		}
	}
	t.Cleanup(func() { _ = stop() })
	return listener.Addr().String(), stop
}

// http1 returns a client that speaks HTTP/1.1.
func http1(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// http2 returns a client that speaks HTTP/2 without TLS.
func http2(t *testing.T) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestBothVersionsOfHTTP(t *testing.T) {
	address, stop := run(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	for proto, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2.0": http2(t)} {
		answer, err := client.Get("http://" + address)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, proto, string(body))
	}
	require.NoError(t, stop())
}

func TestStopLetsCallsFinishAndEndsStreams(t *testing.T) {
	for name, newClient := range map[string]func(*testing.T) *http.Client{
		"HTTP/1.1": http1,
		"HTTP/2":   http2,
	} {
		t.Run(name, func(t *testing.T) {
			begun, finish := make(chan struct{}), make(chan struct{})
			cause := make(chan error, 1)
			mux := http.NewServeMux()
			mux.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
				close(begun)
				<-finish
				if r.Context().Err() != nil {
					w.WriteHeader(http.StatusInternalServerError)
				}
				fmt.Fprint(w, "finished")
			})
			mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintln(w, "first")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				cause <- context.Cause(r.Context())
			})
			address, stop := run(t, mux)
			client := newClient(t)

			stream, err := client.Get("http://" + address + "/stream")
			require.NoError(t, err)
			defer stream.Body.Close()
			lines := bufio.NewReader(stream.Body)
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "first\n", line)
			answers := make(chan string, 1)
			go func() {
				answer, err := client.Get("http://" + address + "/call")
				if err != nil {
					answers <- err.Error()
					return
				}
				defer answer.Body.Close()
				body, _ := io.ReadAll(answer.Body)
				answers <- fmt.Sprint(answer.StatusCode, " ", string(body))
			}()
			<-begun

			outcome := make(chan error, 1)
			go func() { outcome <- stop() }()
			require.Equal(t, "SERVER_STOPPING", fault.ReasonOf(<-cause), "the stream is told first")
			_, err = lines.ReadString('\n')
			require.Error(t, err)
			require.Eventually(t, func() bool {
				_, err := net.DialTimeout("tcp", address, time.Second)
				return err != nil
			}, 2*time.Second, 5*time.Millisecond, "nothing new is taken")
			close(finish)
			require.Equal(t, "200 finished", <-answers)
			require.NoError(t, <-outcome)
		})
	}
}

func TestServeFailsWhenTheListenerDoes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.Error(t, server.Run(t.Context(), slog.New(slog.DiscardHandler), listener, http.NotFoundHandler()))
}

func TestHugeHeadersAreRefused(t *testing.T) {
	address, _ := run(t, http.NotFoundHandler())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	require.NoError(t, err)
	req.Header.Set("Big", strings.Repeat("x", 128<<10))
	answer, err := http1(t).Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, answer.StatusCode)
}

func TestSlowClientsAreBounded(t *testing.T) {
	limits := server.Limits{Body: 200 * time.Millisecond, Piece: 300 * time.Millisecond, Rearm: 50 * time.Millisecond}
	read, wrote := make(chan error, 1), make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/read", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	mux.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				wrote <- err
				return
			}
		}
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		for i := range 8 { // longer than any limit, with pauses shorter than each
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
			fmt.Fprintln(w, i)
			w.(http.Flusher).Flush()
		}
	})
	address, _ := runWith(t, limits, mux)
	for name, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2": http2(t)} {
		t.Run(name, func(t *testing.T) {
			never, hold := io.Pipe()
			defer hold.Close()
			go func() { _, _ = hold.Write([]byte("begin")) }()
			go func() {
				answer, err := client.Post("http://"+address+"/read", "text/plain", never)
				if err == nil {
					answer.Body.Close()
				}
			}()
			err := <-read
			require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err), "%v", err)

			answer, err := client.Post("http://"+address+"/write", "text/plain", strings.NewReader("go"))
			require.NoError(t, err)
			require.Error(t, <-wrote, "nobody reads")
			answer.Body.Close()

			answer, err = client.Post("http://"+address+"/stream", "text/plain", strings.NewReader("go"))
			require.NoError(t, err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err, "a stream that is read lives")
			require.Len(t, strings.Fields(string(body)), 8)
		})
	}
}

// runWith serves handler under other limits on HTTP/1.1 and HTTP/2.
func runWith(t *testing.T, limits server.Limits, handler http.Handler) (address string, srv *http.Server) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv = &http.Server{Handler: server.Bounded(limits, handler), Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(func() { _ = srv.Close() })
	return listener.Addr().String(), srv
}

func TestHealth(t *testing.T) {
	works := module.Check{Name: "database", Run: func(context.Context) error { return nil }}
	broken := module.Check{Name: "redis", Run: func(context.Context) error { return errors.New("connection refused") }}
	hangs := module.Check{Name: "nats", Run: func(context.Context) error { select {} }}
	for name, test := range map[string]struct {
		checks []module.Check
		query  string
		status int
		parts  map[string]string
		grpc   grpchealth.Status
	}{
		"nothing to check":  {nil, "", http.StatusOK, map[string]string{}, grpchealth.StatusServing},
		"all well":          {[]module.Check{works}, "?timeout=2", http.StatusOK, map[string]string{"database": ""}, grpchealth.StatusServing},
		"one broken":        {[]module.Check{works, broken}, "", http.StatusServiceUnavailable, map[string]string{"database": "", "redis": "connection refused"}, grpchealth.StatusNotServing},
		"one hangs":         {[]module.Check{works, hangs}, "?timeout=0.1", http.StatusServiceUnavailable, map[string]string{"database": "", "nats": "no answer in time"}, grpchealth.StatusNotServing},
		"timeout is a word": {nil, "?timeout=soon", http.StatusBadRequest, nil, grpchealth.StatusServing},
		"timeout is zero":   {nil, "?timeout=0", http.StatusBadRequest, nil, grpchealth.StatusServing},
		"timeout is NaN":    {nil, "?timeout=NaN", http.StatusBadRequest, nil, grpchealth.StatusServing},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			server.MountHealth(mux, test.checks, cartv1connect.CartQueryServiceName)
			address, _ := run(t, mux)
			answer, err := http1(t).Get("http://" + address + "/healthz" + test.query)
			require.NoError(t, err)
			defer answer.Body.Close()
			require.Equal(t, test.status, answer.StatusCode)
			if test.parts != nil {
				var health server.Health
				require.NoError(t, json.NewDecoder(answer.Body).Decode(&health))
				require.Equal(t, test.status == http.StatusOK, health.OK)
				parts := map[string]string{}
				for _, part := range health.Parts {
					parts[part.Name] = part.Error
					require.Equal(t, part.Error == "", part.OK)
				}
				require.Equal(t, test.parts, parts)
			}

			client := grpchealth.NewClient(http2(t), "http://"+address, connect.WithGRPC())
			for _, service := range []string{"", cartv1connect.CartQueryServiceName} {
				status, err := client.Check(t.Context(), &grpchealth.CheckRequest{Service: service})
				require.NoError(t, err)
				require.Equal(t, test.grpc, status.Status)
			}
			_, err = client.Check(t.Context(), &grpchealth.CheckRequest{Service: "taproom.none.v1.NoService"})
			require.Equal(t, connect.CodeNotFound, connect.CodeOf(err))
		})
	}
}

func TestReflection(t *testing.T) {
	mux := http.NewServeMux()
	server.MountReflection(mux, cartv1connect.CartQueryServiceName)
	address, _ := run(t, mux)
	stream := grpcreflect.NewClient(http2(t), "http://"+address, connect.WithGRPC()).NewStream(t.Context())
	names, err := stream.ListServices()
	require.NoError(t, err)
	require.Len(t, names, 1)
	require.EqualValues(t, cartv1connect.CartQueryServiceName, names[0])
	files, err := stream.FileContainingSymbol(names[0])
	require.NoError(t, err)
	require.NotEmpty(t, files)
	_, err = stream.Close()
	require.NoError(t, err)
}
