package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// firstAnswer bounds how long a call waits for Consul's first answer about a service.
	firstAnswer = 3 * time.Second
	// maxTries bounds how many instances a repeatable call may reach.
	maxTries = 3
	// collected is how much of the answer to a repeatable call is taken in before any of it is passed on.
	collected = 64 << 10
)

type repeatableKey struct{}

// Repeatable marks the unary calls made with ctx as ones that have no effect, or the same effect however often they are
// made: when an instance breaks off, they are sent to another one, as long as nothing of an answer was passed on.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

func repeatable(ctx context.Context) bool {
	marked, _ := ctx.Value(repeatableKey{}).(bool)
	return marked
}

// RoundTrip implements http.RoundTripper.
func (p *pool) RoundTrip(req *http.Request) (*http.Response, error) {
	body := &keptBody{ReadCloser: req.Body}
	defer func() { body.settle() }()
	if err := p.wait(req.Context()); err != nil {
		_ = body.Close()
		return nil, err
	}
	var (
		tried []*instance
		err   = noInstance(p.service)
	)
	for reached := 0; reached < maxTries; {
		i := p.pick(tried)
		if i == nil {
			_ = body.Close()
			break
		}
		tried = append(tried, i)
		var answer *http.Response
		if answer, err = p.try(i, req, body); err == nil {
			return answer, nil
		}
		if unsent := new(dialError); !errors.As(err, &unsent) {
			if reached++; !repeatable(req.Context()) {
				break
			}
		}
		next := body.next(req)
		if req.Context().Err() != nil || next == nil {
			break
		}
		body = next
	}
	return nil, err
}

func noInstance(service string) error {
	return fmt.Errorf("no instance of the service %q is up", service)
}

// wait waits until instances are known, if only for a moment.
func (p *pool) wait(ctx context.Context) error {
	select {
	case <-p.closed:
		return errShuttingDown
	case <-p.known:
		return nil
	default:
	}
	timeout := time.NewTimer(firstAnswer)
	defer timeout.Stop()
	select {
	case <-p.known:
		return nil
	case <-p.closed:
		return errShuttingDown
	case <-ctx.Done():
		return ctx.Err()
	case <-timeout.C:
		return fmt.Errorf("the instances of the service %q are not known yet", p.service)
	}
}

// try sends the request to one instance.
func (p *pool) try(i *instance, req *http.Request, body *keptBody) (*http.Response, error) {
	out := req.WithContext(req.Context()) // a copy
	url := *req.URL
	url.Host = i.address
	out.URL = &url
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = body
	}
	answer, err := p.transport.RoundTrip(out)
	if err != nil {
		p.ended(i)
		return nil, err
	}
	answer.Request = req
	answer.Body = &countedBody{ReadCloser: answer.Body, end: sync.OnceFunc(func() { p.ended(i) })}
	if repeatable(req.Context()) {
		if err := collect(answer); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// collect takes in the answer, or the first part of a large one, so that an instance that dies meanwhile has not been
// heard.
func collect(answer *http.Response) error {
	if answer.Body == http.NoBody {
		return nil
	}
	var buffer bytes.Buffer
	_, err := io.CopyN(&buffer, answer.Body, collected)
	if errors.Is(err, io.EOF) {
		_ = answer.Body.Close()
		answer.Body = io.NopCloser(&buffer)
		return nil
	}
	if err != nil {
		_ = answer.Body.Close()
		return err
	}
	answer.Body = joinedBody{io.MultiReader(&buffer, answer.Body), answer.Body}
	return nil
}

// joinedBody is an answer of which a part has been read.
type joinedBody struct {
	io.Reader
	io.Closer
}

// countedBody notices when an answer is over.
type countedBody struct {
	io.ReadCloser
	end func()
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

// Close implements io.Closer.
func (b *countedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

// keptBody is the body of a request that may need to be sent again. As long as nobody has read of it, closing it
// closes nothing until the call is settled.
type keptBody struct {
	io.ReadCloser // nil when there is none

	mu      sync.Mutex
	begun   bool // somebody has read
	closed  bool // somebody has closed it
	settled bool // there will be no other try
}

// Read implements io.Reader.
func (b *keptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return 0, os.ErrClosed
	}
	b.begun = true
	b.mu.Unlock()
	return b.ReadCloser.Read(p)
}

// Close implements io.Closer.
func (b *keptBody) Close() error {
	b.mu.Lock()
	b.closed = true
	now := b.begun || b.settled
	b.mu.Unlock()
	if !now || b.ReadCloser == nil {
		return nil
	}
	return b.ReadCloser.Close()
}

// settle says that there will be no other try: what was to be closed is closed now.
func (b *keptBody) settle() {
	b.mu.Lock()
	b.settled = true
	now := b.closed && !b.begun
	b.mu.Unlock()
	if now && b.ReadCloser != nil {
		_ = b.ReadCloser.Close()
	}
}

// next is the body for another try; nil means that it can't be sent again.
func (b *keptBody) next(req *http.Request) *keptBody {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.ReadCloser == nil || !b.begun {
		return &keptBody{ReadCloser: b.ReadCloser}
	}
	if req.GetBody == nil {
		return nil
	}
	fresh, err := req.GetBody()
	if err != nil {
		return nil
	}
	return &keptBody{ReadCloser: fresh}
}
