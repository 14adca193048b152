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

const (
	// bodyTimeout is how long a client may take to send a whole request body.
	bodyTimeout = 15 * time.Second
	// pieceTimeout is how long a client may take to read what has been written to it.
	pieceTimeout = 30 * time.Second
	// rearmAfter keeps writes from setting the same deadline over and over.
	rearmAfter = 5 * time.Second
	// lingering is how long an answer that has begun may go on once the server stops.
	lingering = time.Second
)

// errStopping ends streams when the server stops.
var errStopping = fault.Unavailable("SERVER_STOPPING", "this server is going down: open the stream again")

// bounded limits how long a client may take to send and to read, request by request: limits for whole answers
// would cut long streams, and none would let a client that neither reads nor leaves hold a handler for ever.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if r.Body != http.NoBody && r.Body != nil {
			r = r.WithContext(r.Context()) // the server keeps the request it made
			r.Body = &boundedBody{ReadCloser: r.Body, control: control}
			_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		writer := &boundedWriter{ResponseWriter: w, control: control}
		writer.arm(time.Now())
		defer func() { writer.arm(time.Now().Add(rearmAfter)) }() // for what the server still holds of the answer
		next.ServeHTTP(writer, r)
	})
}

// boundedBody lifts the read deadline once everything has come, and tells a late client what happened.
type boundedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = connect.NewError(connect.CodeDeadlineExceeded, fmt.Errorf("the request was not sent within %s", bodyTimeout))
	}
	return n, err
}

// boundedWriter gives each piece of the answer its time to be read.
type boundedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	armed   time.Time
}

func (w *boundedWriter) arm(now time.Time) {
	if now.Sub(w.armed) >= rearmAfter {
		w.armed = now
		_ = w.control.SetWriteDeadline(now.Add(pieceTimeout))
	}
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	w.arm(time.Now())
	return w.ResponseWriter.Write(p)
}

func (w *boundedWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *boundedWriter) FlushError() error {
	w.arm(time.Now())
	return w.control.Flush()
}

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *boundedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// untilStopped cancels requests whose answer has begun but not ended a moment after stopping ends: these are streams,
// and would hold the server up for as long as their clients like. Others may finish.
func untilStopped(stopping context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		next.ServeHTTP(&beginWriter{ResponseWriter: w, begun: &begun}, r.WithContext(ctx))
	})
}

// beginWriter notices when an answer begins.
type beginWriter struct {
	http.ResponseWriter
	begun *atomic.Bool
}

func (w *beginWriter) Write(p []byte) (int, error) {
	w.begun.Store(true)
	return w.ResponseWriter.Write(p)
}

func (w *beginWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *beginWriter) FlushError() error {
	w.begun.Store(true)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *beginWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
