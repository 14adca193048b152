package edge

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// traced makes a span for each call, a child of the browser's click if that brought a trace, and passes the trace on to the
// services. Pages, and files, are not traced.
func traced(providers telemetry.Providers, routes routes, next http.Handler) http.Handler {
	tracer := providers.Tracer().Tracer("github.com/taproom-shop/taproom/services/edge")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := spanName(routes, r)
		if !ok {
			delete(r.Header, telemetry.TraceParent)
			delete(r.Header, telemetry.TraceState)
			next.ServeHTTP(w, r)
			return
		}
		ctx, span := tracer.Start(providers.Admit(r.Context(), r.Header), name, trace.WithSpanKind(trace.SpanKindServer))
		telemetry.Inject(ctx, r.Header)
		if span.SpanContext().IsValid() {
			r = r.WithContext(ctx)
		}
		if !span.IsRecording() {
			next.ServeHTTP(w, r)
			return
		}
		defer span.End()
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		span.SetAttributes(
			attribute.String("http.request.method", method(r)),
			attribute.String("http.route", name[len("edge "):]),
			attribute.Int("http.response.status_code", answer.status),
		)
		if answer.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(answer.status))
		}
	})
}

// spanName names what is asked for, in words of the shop's own: there are only so many.
func spanName(routes routes, r *http.Request) (name string, ok bool) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/webhooks/"):
		return "edge /webhooks/", true
	case !isCall(r):
		return "", false
	}
	if _, known := routes[r.URL.Path]; known {
		return "edge " + r.URL.Path, true
	}
	return "edge /unknown", true
}

func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Flush implements http.Flusher.
func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap gives http.ResponseController the rest of what the writer can do.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
