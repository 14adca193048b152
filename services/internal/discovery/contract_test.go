package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The tests in this file hold for every resolver: those of beds.

const (
	unaryPath  = "/test.Service/Unary"
	streamPath = "/test.Service/Stream"
	uploadPath = "/test.Service/Upload"
	chatPath   = "/test.Service/Chat"
)

type (
	text       = wrapperspb.StringValue
	contextKey struct{}
)

var protocols = map[string]connect.ClientOption{
	"connect": connect.WithClientOptions(),
	"gRPC":    connect.WithGRPC(),
	"gRPCWeb": connect.WithGRPCWeb(),
}

func httpClient(b *bed) *http.Client {
	return &http.Client{Transport: b.resolver.Transport(b.service)}
}

func newClient(b *bed, path string, options ...connect.ClientOption) *connect.Client[text, text] {
	return connect.NewClient[text, text](httpClient(b), b.resolver.URL(b.service)+path, options...)
}

// within fails the test when f doesn't return soon.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it hangs")
	}
}

func TestUnaryCalls(t *testing.T) { each(t, testUnaryCalls) }

func testUnaryCalls(t *testing.T, b *bed) {
	b.serve(connect.NewUnaryHandler(unaryPath, func(ctx context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		if ctx.Value(contextKey{}) != nil {
			return nil, errors.New("the caller's context leaked into the handler")
		}
		if req.Msg.GetValue() == "fail" {
			err := connect.NewError(connect.CodeNotFound, errors.New("no beer"))
			err.Meta().Set("Because", "sold out")
			return nil, err
		}
		answer := connect.NewResponse(wrapperspb.String(req.Header().Get("Who") + req.Msg.GetValue()))
		answer.Header().Set("Head", "h")
		answer.Trailer().Set("Tail", "t")
		return answer, nil
	}))
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			client := newClient(b, unaryPath, protocol, connect.WithSendGzip())
			for _, size := range []int{0, 1, 100 << 10, 200 << 10} {
				req := connect.NewRequest(wrapperspb.String(strings.Repeat("x", size)))
				req.Header().Set("Who", "me")
				answer, err := client.CallUnary(context.WithValue(t.Context(), contextKey{}, "mine"), req)
				require.NoError(t, err)
				require.Len(t, answer.Msg.GetValue(), size+2)
				require.Equal(t, "h", answer.Header().Get("Head"))
				require.Equal(t, "t", answer.Trailer().Get("Tail"))
			}
			_, err := client.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("fail")))
			require.Equal(t, connect.CodeNotFound, connect.CodeOf(err))
			var answer *connect.Error
			require.ErrorAs(t, err, &answer)
			require.Equal(t, "sold out", answer.Meta().Get("Because"))
		})
	}
}

func TestServerStreams(t *testing.T) { each(t, testServerStreams) }

func testServerStreams(t *testing.T, b *bed) {
	resume := make(chan struct{})
	b.serve(connect.NewServerStreamHandler(streamPath, func(_ context.Context, req *connect.Request[text], stream *connect.ServerStream[text]) error {
		for i := range 3 {
			if i > 0 {
				<-resume
			}
			if err := stream.Send(wrapperspb.String(fmt.Sprintf("%s %d", req.Msg.GetValue(), i))); err != nil {
				return err
			}
		}
		return connect.NewError(connect.CodeAborted, errors.New("enough"))
	}))
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			stream, err := newClient(b, streamPath, protocol).CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("beer")))
			require.NoError(t, err)
			for i := range 3 { // each message comes before the next one is made
				require.True(t, stream.Receive(), "%v", stream.Err())
				require.Equal(t, fmt.Sprintf("beer %d", i), stream.Msg().GetValue())
				if i < 2 {
					resume <- struct{}{}
				}
			}
			require.False(t, stream.Receive())
			require.Equal(t, connect.CodeAborted, connect.CodeOf(stream.Err()))
			require.NoError(t, stream.Close())
		})
	}
}

func TestClientAndBidiStreams(t *testing.T) { each(t, testClientAndBidiStreams) }

func testClientAndBidiStreams(t *testing.T, b *bed) {
	mux := http.NewServeMux()
	mux.Handle(uploadPath, connect.NewClientStreamHandler(uploadPath, func(_ context.Context, stream *connect.ClientStream[text]) (*connect.Response[text], error) {
		all := ""
		for stream.Receive() {
			all += stream.Msg().GetValue()
		}
		return connect.NewResponse(wrapperspb.String(all)), stream.Err()
	}))
	mux.Handle(chatPath, connect.NewBidiStreamHandler(chatPath, func(_ context.Context, stream *connect.BidiStream[text, text]) error {
		for {
			msg, err := stream.Receive()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := stream.Send(msg); err != nil {
				return err
			}
		}
	}))
	b.serve(mux)
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			upload := newClient(b, uploadPath, protocol).CallClientStream(t.Context())
			for _, part := range []string{"a", "b", "c"} {
				require.NoError(t, upload.Send(wrapperspb.String(part)))
			}
			answer, err := upload.CloseAndReceive()
			require.NoError(t, err)
			require.Equal(t, "abc", answer.Msg.GetValue())

			chat := newClient(b, chatPath, protocol).CallBidiStream(t.Context())
			for _, line := range []string{"hello", "bye"} {
				require.NoError(t, chat.Send(wrapperspb.String(line)))
				msg, err := chat.Receive()
				require.NoError(t, err)
				require.Equal(t, line, msg.GetValue())
			}
			require.NoError(t, chat.CloseRequest())
			_, err = chat.Receive()
			require.ErrorIs(t, err, io.EOF)
			require.NoError(t, chat.CloseResponse())
		})
	}
}

func TestCancellationReachesTheHandler(t *testing.T) { each(t, testCancellationReachesTheHandler) }

func testCancellationReachesTheHandler(t *testing.T, b *bed) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}, 1), make(chan error, 1)
			wait := func(ctx context.Context) error {
				began <- struct{}{}
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			}
			mux := http.NewServeMux()
			mux.Handle(unaryPath, connect.NewUnaryHandler(unaryPath, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
				return nil, wait(ctx)
			}))
			mux.Handle(streamPath, connect.NewServerStreamHandler(streamPath, func(ctx context.Context, _ *connect.Request[text], stream *connect.ServerStream[text]) error {
				if err := stream.Send(wrapperspb.String("first")); err != nil {
					return err
				}
				return wait(ctx)
			}))
			b.serve(mux)

			within(t, func() {
				ctx, cancel := context.WithCancel(t.Context())
				go func() { <-began; cancel() }()
				_, err := newClient(b, unaryPath, protocol).CallUnary(ctx, connect.NewRequest(wrapperspb.String("")))
				require.Equal(t, connect.CodeCanceled, connect.CodeOf(err))
				require.ErrorIs(t, <-ended, context.Canceled)
			})
			within(t, func() {
				ctx, cancel := context.WithCancel(t.Context())
				stream, err := newClient(b, streamPath, protocol).CallServerStream(ctx, connect.NewRequest(wrapperspb.String("")))
				require.NoError(t, err)
				require.True(t, stream.Receive())
				<-began
				cancel()
				require.False(t, stream.Receive())
				require.Equal(t, connect.CodeCanceled, connect.CodeOf(stream.Err()))
				require.ErrorIs(t, <-ended, context.Canceled)
				_ = stream.Close()
			})
			within(t, func() { // a client that closes without canceling
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.resolver.URL(b.service)+streamPath,
					strings.NewReader("\x00\x00\x00\x00\x02{}"))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/connect+json")
				answer, err := httpClient(b).Do(req)
				require.NoError(t, err)
				if answer.StatusCode == http.StatusOK {
					_ = answer.Body.Close()
				}
				select {
				case <-began:
					require.ErrorIs(t, <-ended, context.Canceled)
				case <-time.After(100 * time.Millisecond): // closed before the handler got that far
				}
			})
		})
	}
}

func TestDeadlines(t *testing.T) { each(t, testDeadlines) }

func testDeadlines(t *testing.T, b *bed) {
	ended := make(chan error, 1)
	b.serve(connect.NewUnaryHandler(unaryPath, func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("the deadline did not come along")
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}))
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			within(t, func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_, err := newClient(b, unaryPath, protocol).CallUnary(ctx, connect.NewRequest(wrapperspb.String("")))
				require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err), "%v", err)
				require.Error(t, <-ended)
			})
		})
	}
}

func TestASlowReaderHoldsTheWriterBack(t *testing.T) { each(t, testASlowReaderHoldsTheWriterBack) }

func testASlowReaderHoldsTheWriterBack(t *testing.T, b *bed) {
	var written int
	done := make(chan error, 1)
	b.serve(connect.NewServerStreamHandler(streamPath, func(_ context.Context, _ *connect.Request[text], stream *connect.ServerStream[text]) error {
		for {
			if err := stream.Send(wrapperspb.String(strings.Repeat("x", 10<<10))); err != nil {
				done <- err
				return err
			}
			written++
		}
	}))
	stream, err := newClient(b, streamPath).CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("")))
	require.NoError(t, err)
	for range 10 {
		require.True(t, stream.Receive())
	}
	within(t, func() {
		_ = stream.Close()
		require.Error(t, <-done, "writing to nobody fails")
	})
	require.Less(t, written, 2000, "it did not run ahead")
}

func TestPanicsBreakTheAnswerOff(t *testing.T) { each(t, testPanicsBreakTheAnswerOff) }

func testPanicsBreakTheAnswerOff(t *testing.T, b *bed) {
	b.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "half an answer")
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panic("boom")
	}))
	client := httpClient(b)
	for _, path := range []string{"/early", "/abort"} {
		answer, err := client.Get(b.resolver.URL(b.service) + path)
		if err == nil { // somebody between answered
			require.GreaterOrEqual(t, answer.StatusCode, 500)
			require.NoError(t, answer.Body.Close())
		}
	}
	answer, err := client.Get(b.resolver.URL(b.service) + "/late")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.Equal(t, "half an answer", string(text))
	require.Error(t, err)

	for name, protocol := range protocols {
		_, err := newClient(b, unaryPath, protocol).CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("")))
		require.Error(t, err, name)
	}
}

func TestServicesThatAreNotThere(t *testing.T) { each(t, testServicesThatAreNotThere) }

func testServicesThatAreNotThere(t *testing.T, b *bed) {
	client := newClient(b, unaryPath)
	ask := func() error {
		_, err := client.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("")))
		return err
	}
	require.Equal(t, connect.CodeUnavailable, connect.CodeOf(ask()))
	b.serve(connect.NewUnaryHandler(unaryPath, func(_ context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		return connect.NewResponse(req.Msg), nil
	}))
	require.NoError(t, ask(), "a client made before the service came finds it")
	if b.shutdown == nil {
		return
	}
	b.shutdown(t)
	require.Equal(t, connect.CodeUnavailable, connect.CodeOf(ask()))
}

func TestShutdownEndsWhatRuns(t *testing.T) { each(t, testShutdownEndsWhatRuns) }

func testShutdownEndsWhatRuns(t *testing.T, b *bed) {
	if b.shutdown == nil {
		return
	}
	b.serve(connect.NewServerStreamHandler(streamPath, func(ctx context.Context, _ *connect.Request[text], stream *connect.ServerStream[text]) error {
		if err := stream.Send(wrapperspb.String("first")); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}))
	stream, err := newClient(b, streamPath).CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("")))
	require.NoError(t, err)
	defer stream.Close()
	require.True(t, stream.Receive())
	within(t, func() { b.shutdown(t) })
	require.False(t, stream.Receive())
	require.Error(t, stream.Err())
}
