package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
)

var errShuttingDown = errors.New("the process is shutting down")

// InProcess finds services that run in this process. Its transport hands requests to a service's handler and
// carries the answers back: headers, bodies, trailers, flushes and cancellation, as HTTP/2 would. Nothing else crosses
// over: a handler sees what is in the request, never the values of its caller's context.
type InProcess struct {
	log *slog.Logger

	mu       sync.RWMutex
	handlers map[string]http.Handler
	closed   bool
	running  sync.WaitGroup
	stop     context.Context // ends what runs at Shutdown
	cancel   context.CancelFunc
}

// NewInProcess returns a resolver that knows no service yet. Panics of handlers are logged to log.
func NewInProcess(log *slog.Logger) *InProcess {
	stop, cancel := context.WithCancel(context.Background())
	return &InProcess{log: log, handlers: make(map[string]http.Handler), stop: stop, cancel: cancel}
}

// Register makes handler answer for service.
func (p *InProcess) Register(service string, handler http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handlers[service] = handler
}

// URL returns a base URL that names the service.
func (p *InProcess) URL(service string) string { return "http://" + service }

// Transport returns a transport to the service's handler.
func (p *InProcess) Transport(service string) http.RoundTripper {
	return inProcessTransport{resolver: p, service: service}
}

// Handler returns what hands requests to the service's handler as they are, for the edge. The service may come up later.
func (p *InProcess) Handler(service string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.RLock()
		handler, ok := p.handlers[service]
		p.mu.RUnlock()
		if !ok {
			answerError(w, r, service, noInstance(service))
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// Shutdown refuses new requests, breaks off those that run and waits until their handlers have returned or ctx ends.
func (p *InProcess) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	done := make(chan struct{})
	go func() {
		p.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin finds the handler of a service and counts a request to it.
func (p *InProcess) begin(service string) (http.Handler, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return nil, errShuttingDown
	}
	handler, ok := p.handlers[service]
	if !ok {
		return nil, noInstance(service)
	}
	p.running.Add(1)
	return handler, nil
}

type inProcessTransport struct {
	resolver *InProcess
	service  string
}

// RoundTrip implements http.RoundTripper.
func (t inProcessTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	caller := req.Context()
	if err := caller.Err(); err != nil {
		body.Close()
		return nil, err
	}
	handler, err := t.resolver.begin(t.service)
	if err != nil {
		body.Close()
		return nil, err
	}

	ctx, cancel := context.WithCancel(t.resolver.stop)
	in := received(ctx, req, body) //nolint:contextcheck // a handler must not see its caller's context
	answer := newAnswer(req, cancel)
	breakOff := func(err error) {
		cancel()
		answer.abort(err)
		body.Close()
	}
	unlinkCaller := context.AfterFunc(caller, func() { breakOff(caller.Err()) })
	unlinkStop := context.AfterFunc(t.resolver.stop, func() { breakOff(errShuttingDown) }) //nolint:contextcheck // the resolver's life, not the call's
	go func() {                                                                            //nolint:contextcheck // the handler has the context of the request that it is given
		defer t.resolver.running.Done()
		defer cancel()
		defer unlinkCaller()
		defer unlinkStop()
		defer body.Close()
		t.serve(handler, answer, in)
	}()

	select {
	case <-answer.ready:
		return answer.response, nil
	case <-answer.aborted:
		return nil, answer.broken
	}
}

// serve runs the handler. A panic breaks the answer off, as a reset of the stream would.
func (t inProcessTransport) serve(handler http.Handler, answer *answer, req *http.Request) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			answer.finish()
			return
		}
		if panicked != http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this too
			t.resolver.log.ErrorContext(req.Context(), "handler panicked",
				slog.String("service", t.service), slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
		}
		answer.abort(fmt.Errorf("the service %q broke the answer off", t.service))
	}()
	handler.ServeHTTP(answer, req)
}

// received is req as a server would have read it from a connection.
func received(ctx context.Context, req *http.Request, body io.ReadCloser) *http.Request {
	in := req.Clone(ctx)
	in.Body = body
	in.GetBody = nil
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/2.0", 2, 0
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "in-process"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.URL.Scheme, in.URL.Host = "", ""
	return in
}
