package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

type readyCmd struct {
	InternalListen string        `required:"" help:"The process's internal address, as taproom serve was told." placeholder:"HOST:PORT"`
	Timeout        time.Duration `default:"2s" help:"How long to wait for an answer."`
}

// Run fails unless a process on this machine takes calls: a health check for containers that hold nothing but this program.
func (c *readyCmd) Run(ctx context.Context) (err error) {
	host, port, err := net.SplitHostPort(c.InternalListen)
	if err != nil {
		return fmt.Errorf("--internal-listen: %w; write host:port", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", res.Status)
	}
	return nil
}
