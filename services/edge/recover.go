package edge

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"connectrpc.com/connect"

	"github.com/taproom-shop/taproom/services/edge/internal/answer"
)

// recovering answers for a backend in this process that panics. An answer that has begun can only be broken off.
func recovering(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writer := &beginWriter{ResponseWriter: w}
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if panicked != http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this too
				log.ErrorContext(r.Context(), "a backend panicked",
					slog.String("path", r.URL.Path), slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
			}
			if writer.begun || panicked == http.ErrAbortHandler { //nolint:errorlint // as above
				panic(http.ErrAbortHandler)
			}
			answer.Error(w, r, connect.CodeInternal, "INTERNAL", "something went wrong in the shop; try again")
		}()
		next.ServeHTTP(writer, r)
	})
}

// beginWriter remembers whether an answer has begun.
type beginWriter struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (w *beginWriter) WriteHeader(status int) {
	w.begun = w.begun || status >= http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *beginWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *beginWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *beginWriter) FlushError() error {
	w.begun = true
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *beginWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
