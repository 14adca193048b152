package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// startTime is what a program may take until it can be measured.
const startTime = 2 * time.Minute

// account is somebody who can sign in.
type account struct{ email, password string }

// shop is a running shop.
type shop struct {
	url   string
	staff account
}

var staffLine = regexp.MustCompile(`STAFF\s+(\S+)\s+password (\S+)`)

// startShop runs the binary on a new folder, with the demo's warehouse and courier, which take no time, and without limits per
// address. Passwords are hashed cheaply: opening accounts is preparation. databaseURL may be empty.
func startShop(ctx context.Context, binary, folder, databaseURL string, flags []string) (s *shop, stop func() error, err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, nil, err
	}
	args := append([]string{
		"serve", "--demo", "--listen", address, "--data", filepath.Join(folder, "data"), "--log-level=warn",
		"--edge-rate=0", "--edge-streams=0", "--shipping-assembly-time=0s", "--courier-step-time=0s",
		"--user-hash-memory-ki-b=8", "--user-hash-passes=1", "--payment-card-delay=0s",
	}, flags...)
	if databaseURL != "" {
		args = append(args, "--database-url", databaseURL)
	}
	program, err := start(ctx, binary, args...)
	if err != nil {
		return nil, nil, err
	}
	found, err := program.await(ctx, staffLine)
	if err != nil {
		return nil, nil, errors.Join(err, program.stop())
	}
	return &shop{url: "http://" + address, staff: account{found[1], found[2]}}, program.stop, nil
}

// freeAddress finds a port that nobody uses.
func freeAddress(ctx context.Context) (string, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// program is a process that was started here.
type program struct {
	cmd    *exec.Cmd
	ended  chan error
	output *output
}

func start(ctx context.Context, binary string, args ...string) (*program, error) {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the operator says which program is measured
	p := &program{cmd: cmd, ended: make(chan error, 1), output: &output{}}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; go tool task build makes it", err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// await waits until the program prints what the pattern finds.
func (p *program) await(ctx context.Context, pattern *regexp.Regexp) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if found := pattern.FindStringSubmatch(p.output.String()); found != nil {
			return found, nil
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return nil, fmt.Errorf("%s ended: %w\n%s", p.cmd.Path, err, p.output)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s did not start: %w\n%s", p.cmd.Path, ctx.Err(), p.output)
		case <-tick.C:
		}
	}
}

func (p *program) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if ended := <-p.ended; ended != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w\n%s", p.cmd.Path, ended, p.output))
	}
	return err
}

// output keeps what a program printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is everything so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
