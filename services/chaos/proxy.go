package chaos

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// proxy passes TCP connections on to one of its targets, as long as nobody cuts it.
type proxy struct {
	listener net.Listener
	life     context.Context
	end      context.CancelFunc
	work     sync.WaitGroup

	mu      sync.Mutex
	targets []string
	open    map[net.Conn]bool
	refuse  bool
	flow    chan struct{} // closed while bytes pass
}

func newProxy(targets ...string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, targets: targets, open: make(map[net.Conn]bool), flow: make(chan struct{})}
	close(p.flow)
	p.life, p.end = context.WithCancel(context.Background())
	p.work.Go(p.accept)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// aim sends new connections elsewhere; those that are open go on.
func (p *proxy) aim(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

// aimAt takes the targets from a list of URLs.
func (p *proxy) aimAt(urls string) error {
	var targets []string
	for one := range strings.SplitSeq(urls, ",") {
		parsed, err := url.Parse(one)
		if err != nil {
			return err
		}
		targets = append(targets, parsed.Host)
	}
	p.aim(targets...)
	return nil
}

// cut lets nothing pass: silently, as a network that drops everything, or by breaking and refusing connections.
func (p *proxy) cut(silently bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if silently {
		p.flow = make(chan struct{})
		return
	}
	p.refuse = true
	for conn := range p.open {
		_ = conn.Close()
	}
}

// mend lets everything pass again. Connections that were silent go on where they were.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

func (p *proxy) close() {
	p.end()
	_ = p.listener.Close()
	p.cut(false)
	p.work.Wait()
}

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.work.Go(func() { p.serve(conn) })
		}
	}
}

func (p *proxy) serve(from net.Conn) {
	defer func() { _ = from.Close() }()
	if !p.hold(from) {
		return
	}
	defer p.drop(from)
	to, err := p.dial()
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	if !p.hold(to) {
		return
	}
	defer p.drop(to)
	var both sync.WaitGroup
	both.Go(func() { p.copy(to, from) })
	both.Go(func() { p.copy(from, to) })
	both.Wait()
}

// hold remembers a connection that a cut breaks, and reports whether it may be there at all.
func (p *proxy) hold(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = true
	return !p.refuse && p.life.Err() == nil
}

func (p *proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
}

// dial connects to the first target that answers, from any of them on.
func (p *proxy) dial() (net.Conn, error) {
	p.mu.Lock()
	targets := slices.Clone(p.targets)
	p.mu.Unlock()
	rand.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] }) //nolint:gosec // spreads load, keeps no secret
	err := errors.New("the proxy has no target")
	for _, target := range targets {
		var conn net.Conn
		if conn, err = (&net.Dialer{Timeout: 2 * time.Second}).DialContext(p.life, "tcp", target); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// copy passes bytes on until either end closes, and tells the other end when there are no more.
func (p *proxy) copy(to, from net.Conn) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if !p.passes() {
			return
		}
		if _, failed := to.Write(piece[:n]); failed != nil {
			_ = from.Close()
			return
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.TCPConn).CloseWrite() //nolint:errcheck,forcetypeassert // it was dialled or accepted as one
			return
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// passes waits until bytes may pass, and is false if they never will.
func (p *proxy) passes() bool {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	select {
	case <-flow:
		return true
	case <-p.life.Done():
		return false
	}
}
