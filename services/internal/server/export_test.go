package server

import "net/http"

// Limits are the bounds on slow clients.
type Limits = limits

// Bounded is what Run puts around handlers, under other limits.
func Bounded(l Limits, next http.Handler) http.Handler { return l.bound(next) }
