// Package server runs HTTP servers for services: HTTP/1.1 and HTTP/2 without TLS on one port, bounded in time and size,
// stopped gracefully, with health checks and reflection.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout  = 5 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
	// drainTimeout bounds how long unary calls may take to finish once the server stops.
	drainTimeout = 10 * time.Second
	// maxStreams bounds what one HTTP/2 connection may ask for at once.
	maxStreams = 250
)

// Run serves handler on listener until ctx ends, then stops: it takes nothing new, cancels streams (the cause of their
// context is a fault with reason SERVER_STOPPING) and lets other calls finish within ten seconds; what is left is cut
// off. It returns nil after such a stop.
//
// No time limit lies on whole answers, since streams live long. Instead the client must send its request within
// fifteen seconds and take each piece of the answer within thirty.
func Run(ctx context.Context, log *slog.Logger, listener net.Listener, handler http.Handler) error {
	// Requests live on base rather than ctx: calls that have begun may finish after ctx has ended.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{
		Handler:           roomy(defaultLimits.bound(untilStopped(ctx, handler))),
		Protocols:         &protocols,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      30 * time.Second,
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     defaultLimits.Piece,
		},
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}

	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}

	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := srv.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		log.WarnContext(drain, "calls did not finish in time and are cut off", slog.String("address", listener.Addr().String()))
		cut()
		err = srv.Close()
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
