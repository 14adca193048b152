package server

import "net/http"

// stackBytes is what a call needs of its goroutine's stack: decoding, validation and telemetry stand deep.
const stackBytes = 12 << 10

// roomy gives a request's goroutine its stack at once, while there is next to nothing on it. By itself the stack would
// start small and be copied, with all frames on it, each time that it gets too small.
func roomy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grow(len(r.URL.Path))
		next.ServeHTTP(w, r)
	})
}

// grow needs a large stack for an instant, and leaves it as it is.
//
//go:noinline
func grow(n int) byte {
	if n >= 0 { // always, which the compiler doesn't know
		return 0
	}
	var room [stackBytes]byte
	return room[-n%stackBytes]
}
