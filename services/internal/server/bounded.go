package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// limits bound how long a client may take.
type limits struct {
	// Body is for sending a whole request body.
	Body time.Duration
	// Piece is for reading what has been written to it.
	Piece time.Duration
	// Rearm keeps writes from setting the same deadline over and over; it takes as much off Piece.
	Rearm time.Duration
}

var defaultLimits = limits{Body: 15 * time.Second, Piece: 30 * time.Second, Rearm: 5 * time.Second}

// lingering is how long an answer that has begun may go on once the server stops.
const lingering = time.Second

// errStopping ends streams when the server stops.
var errStopping = fault.Unavailable("SERVER_STOPPING", "this server is going down: open the stream again")

// bound limits how long a client may take to send and to read, request by request: limits for whole answers would cut
// long streams, and none would let a client that neither reads nor leaves hold a handler for ever.
func (l limits) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Body != http.NoBody && r.Body != nil {
			r = r.WithContext(r.Context()) // the server keeps the request it made
			r.Body = &boundedBody{ReadCloser: r.Body, control: control, limit: l.Body}
			_ = control.SetReadDeadline(time.Now().Add(l.Body))
		}
		writer := &boundedWriter{ResponseWriter: w, control: control, limits: l}
		writer.arm()
		defer func() { // for what the server still holds of the answer
			writer.armed = time.Time{}
			writer.arm()
		}()
		next.ServeHTTP(writer, r)
	})
}

// boundedBody lifts the read deadline once everything has come, and tells a late client what happened.
type boundedBody struct {
	io.ReadCloser
	control *http.ResponseController
	limit   time.Duration
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = connect.NewError(connect.CodeDeadlineExceeded, fmt.Errorf("the request was not sent within %s", b.limit))
	}
	return n, err
}

// boundedWriter gives each piece of the answer its time to be read.
type boundedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limits  limits
	armed   time.Time
}

func (w *boundedWriter) arm() {
	if now := time.Now(); now.Sub(w.armed) >= w.limits.Rearm {
		w.armed = now
		_ = w.control.SetWriteDeadline(now.Add(w.limits.Piece))
	}
}

// Write implements http.ResponseWriter.
func (w *boundedWriter) Write(p []byte) (int, error) {
	w.arm()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *boundedWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *boundedWriter) FlushError() error {
	w.arm()
	return w.control.Flush()
}

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *boundedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// untilStopped cancels requests whose answer has begun but not ended a moment after stopping ends: these are streams,
// and would hold the server up for as long as their clients like. Others may finish.
func untilStopped(stopping context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:contextcheck // stopping is the server's
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		var begun atomic.Bool
		unlink := context.AfterFunc(stopping, func() {
			poll := time.NewTicker(lingering)
			defer poll.Stop()
			for {
				select {
				case <-poll.C:
					if begun.Load() {
						cancel(errStopping)
					}
				case <-ctx.Done():
					return
				}
			}
		})
		defer unlink()
		next.ServeHTTP(&beginWriter{ResponseWriter: w, begun: &begun}, r.WithContext(ctx)) //nolint:contextcheck // ctx is the request's
	})
}

// beginWriter notices when an answer begins.
type beginWriter struct {
	http.ResponseWriter
	begun *atomic.Bool
}

// Write implements http.ResponseWriter.
func (w *beginWriter) Write(p []byte) (int, error) {
	w.begun.Store(true)
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *beginWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *beginWriter) FlushError() error {
	w.begun.Store(true)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *beginWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
