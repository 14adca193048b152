package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/taproom-shop/taproom/services/internal/server"
)

// serveInternal serves what the process tells those who run it, on an address of its own, until stop is called.
func serveInternal(ctx context.Context, address string, handler http.Handler, log *slog.Logger) (stop func() error, err error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; choose another address with --internal-listen", address, err)
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(serving, log, listener, handler) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}
