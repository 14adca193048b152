package discovery

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// bufferedAnswer is how much of an answer is collected before it is passed on in pieces. Whole unary answers mostly
// fit: they are handed over at once, without a hand-shake between two goroutines for each piece.
const bufferedAnswer = 32 << 10

// answer is the ResponseWriter of a request within the process. Up to the first flush, or until the buffer is full, the
// body is collected; after that it goes through a pipe, which makes a fast handler wait for a slow reader.
type answer struct {
	response *http.Response
	header   http.Header
	cancel   func() // ends the handler's context
	written  bool   // the status is decided

	buffer bytes.Buffer
	pipe   *io.PipeWriter // nil as long as the body is collected

	ready   chan struct{} // closed when response can be handed over
	aborted chan struct{} // closed when the answer is broken off; broken says why

	mu     sync.Mutex // for broken and the change of pipe, since abort comes from elsewhere
	broken error
}

func newAnswer(req *http.Request, cancel func()) *answer {
	return &answer{
		response: &http.Response{
			Proto: "HTTP/2.0", ProtoMajor: 2,
			Request:       req,
			ContentLength: -1,
			Trailer:       make(http.Header),
		},
		header:  make(http.Header),
		cancel:  cancel,
		ready:   make(chan struct{}),
		aborted: make(chan struct{}),
	}
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.written || status < 200 { // interim answers have no use within a process
		return
	}
	a.written = true
	a.response.StatusCode = status
	a.response.Status = strconv.Itoa(status) + " " + http.StatusText(status)
	a.response.Header = a.header.Clone()
	maps.DeleteFunc(a.response.Header, func(name string, _ []string) bool {
		return strings.HasPrefix(name, http.TrailerPrefix)
	})
	a.response.Header.Del("Trailer")
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.pipe != nil {
		return a.pipe.Write(p)
	}
	n, _ := a.buffer.Write(p)
	if a.buffer.Len() < bufferedAnswer {
		return n, nil
	}
	return n, a.FlushError()
}

// Flush hands over what has been written so far.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is Flush for http.ResponseController. It fails when nobody reads any more.
func (a *answer) FlushError() error {
	a.WriteHeader(http.StatusOK)
	if a.pipe == nil {
		if err := a.stream(); err != nil {
			return err
		}
	}
	if a.buffer.Len() == 0 {
		return nil
	}
	_, err := a.buffer.WriteTo(a.pipe)
	return err
}

// stream hands the response over with a body that is still being written.
func (a *answer) stream() error {
	reader, writer := io.Pipe()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	a.pipe = writer
	a.response.Body = body{PipeReader: reader, answer: a}
	close(a.ready)
	return nil
}

// finish hands over what is left once the handler has returned.
func (a *answer) finish() {
	a.WriteHeader(http.StatusOK)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return
	}
	a.setTrailer() // before the end of the body, after which the client reads it
	if a.pipe != nil {
		_ = a.pipe.Close()
		return
	}
	a.response.ContentLength = int64(a.buffer.Len())
	a.response.Body = io.NopCloser(&a.buffer)
	close(a.ready)
}

// setTrailer collects the headers that a handler declared as trailers or marked with http.TrailerPrefix.
func (a *answer) setTrailer() {
	for name, values := range a.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			a.response.Trailer[http.CanonicalHeaderKey(trailer)] = values
		}
	}
	for _, list := range a.header.Values("Trailer") {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values, ok := a.header[name]; ok {
				a.response.Trailer[name] = values
			}
		}
	}
}

// abort breaks the answer off: who waits for it or reads it gets err, who writes it gets io.ErrClosedPipe.
func (a *answer) abort(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return
	}
	a.broken = err
	close(a.aborted)
	if a.pipe != nil {
		_ = a.pipe.CloseWithError(err)
	}
}

// body is an answer's body that is still being written. Who closes it early ends the handler's work.
type body struct {
	*io.PipeReader
	answer *answer
}

// Close implements io.Closer.
func (b body) Close() error {
	b.answer.cancel()
	b.answer.abort(http.ErrBodyReadAfterClose)
	return b.PipeReader.Close()
}
