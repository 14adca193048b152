package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	askEvery    = 50 * time.Millisecond
	askWithin   = 2 * time.Second
	startWithin = time.Minute
	endWithin   = 30 * time.Second
	lastWords   = 4 << 10 // bytes of a log that an error shows
)

// Kind is what a process runs.
type Kind string

// The kinds.
const (
	Postgres Kind = "postgres"
	Redis    Kind = "redis"
	NATS     Kind = "nats"
	Consul   Kind = "consul"
	Service  Kind = "service"
)

// program is how a process is run.
type program struct {
	name    string
	kind    Kind
	address string // host:port of what it is there for
	seat    string // tells a replica from the one that it takes the place of
	command func(ctx context.Context) *exec.Cmd
	ready   func(ctx context.Context) error // nil once it answers
	quit    syscall.Signal                  // asks it to end
	orphan  syscall.Signal                  // what it gets when this process dies
	status  int                             // its exit status when it was asked to end
	as      *syscall.Credential             // nil: this process's user
	lingers time.Duration                   // how long what a killed one leaves may end a new one
}

// Process is one process of the cluster. Its methods may be called at any time, by anybody.
type Process struct {
	program
	logFile string
	died    func(*Process, error) // told when it ended and nobody asked for that

	turn    sync.Mutex // of those who start or end it
	mu      sync.Mutex
	current *run // nil until the first start
}

// run is one life of a process.
type run struct {
	command *exec.Cmd
	ended   chan struct{}
	err     error // once ended
	ready   bool  // it answered once; guarded by Process.mu
	asked   bool  // to end; guarded by Process.mu
}

func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// Name tells it from all others, such as `order-2` or `nats-1`.
func (p *Process) Name() string { return p.name }

// Kind is what it runs.
func (p *Process) Kind() Kind { return p.kind }

// Address is the host:port of what it is there for.
func (p *Process) Address() string { return p.address }

// Log is the file that it writes to, which goes on when it is started again.
func (p *Process) Log() string { return p.logFile }

// PID is its number while it runs, and 0 when it does not.
func (p *Process) PID() int {
	if r := p.life(); r != nil && !r.over() {
		return r.command.Process.Pid
	}
	return 0
}

// Running reports whether it runs, ready or not.
func (p *Process) Running() bool { return p.PID() != 0 }

func (p *Process) life() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Start starts it unless it runs, and returns once it answers.
func (p *Process) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for patience := time.Now().Add(p.lingers); ; {
		r, err := p.launch(context.WithoutCancel(ctx))
		if err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
		if err = p.await(ctx, r); err == nil || ctx.Err() != nil || time.Now().After(patience) {
			return err
		}
	}
}

// await waits until it answers, for as long as it lives.
func (p *Process) await(ctx context.Context, r *run) error {
	for {
		err := p.answers(ctx)
		if err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			r.ready = true
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("%s ended while it started: %w\n%s", p.name, errors.Join(r.err, err), p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.tail())
		case <-time.After(askEvery):
		}
	}
}

func (p *Process) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return p.ready(ctx)
}

// launch starts it unless it runs. It is killed when life ends.
func (p *Process) launch(life context.Context) (*run, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if r := p.life(); r != nil && !r.over() {
		return r, nil
	}
	out, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the process has its own
	r := &run{command: p.command(life), ended: make(chan struct{})}
	r.command.Stdout, r.command.Stderr = out, out
	r.command.SysProcAttr = apart(p.as, p.orphan)
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.current = r
	p.mu.Unlock()
	go p.attend(r)
	return r, nil
}

// attend waits for the end of a life.
func (p *Process) attend(r *run) {
	r.err = r.command.Wait()
	close(r.ended)
	p.mu.Lock()
	unexpected := r.ready && !r.asked
	p.mu.Unlock()
	if unexpected && p.died != nil {
		p.died(p, r.err)
	}
}

// unwanted reports whether somebody asked for the end of its last life, be it over already.
func (p *Process) unwanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current == nil || p.current.asked
}

// Kill ends it as a crash does, without a chance to clean up.
func (p *Process) Kill() error { return p.end(syscall.SIGKILL) }

// Stop asks it to end and waits until it has. One that does not end is killed, which is an error, and so is a bad end.
func (p *Process) Stop() error { return p.end(p.quit) }

func (p *Process) end(signal syscall.Signal) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	r := p.life()
	if r == nil {
		return nil
	}
	p.mu.Lock()
	r.asked = true
	p.mu.Unlock()
	if err := r.command.Process.Signal(signal); err != nil {
		<-r.ended // it ended before
		return nil
	}
	select {
	case <-r.ended:
	case <-time.After(endWithin):
		err := r.command.Process.Kill()
		<-r.ended
		return errors.Join(fmt.Errorf("%s did not end within %s and was killed: see %s", p.name, endWithin, p.logFile), err)
	}
	state := r.command.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == signal {
		return nil
	}
	if state.ExitCode() == p.status {
		return nil
	}
	return fmt.Errorf("%s ended badly: %w\n%s", p.name, r.err, p.tail())
}

// tail is the end of its log.
func (p *Process) tail() []byte {
	file, err := os.Open(p.logFile)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-lastWords), io.SeekStart)
	}
	text, _ := io.ReadAll(file)
	return bytes.TrimSpace(text)
}

// newProcess makes a process that does not run yet, with an empty log.
func (c *Cluster) newProcess(p program) (*Process, error) {
	logFile := filepath.Join(c.folder("logs"), p.name+p.seat+".log")
	if err := os.WriteFile(logFile, nil, 0o600); err != nil {
		return nil, err
	}
	if p.quit == 0 {
		p.quit = syscall.SIGTERM
	}
	if p.orphan == 0 {
		p.orphan = syscall.SIGKILL
	}
	return &Process{program: p, logFile: logFile, died: c.died}, nil
}
