package shoptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shared are the shops that tests of a package share, by their flags.
var shared struct {
	mu    sync.Mutex
	shops map[string]*Shop
}

// Shared answers a shop that runs with these flags for all tests that ask for it; the first one starts it and Main stops
// it. Its tests must bear each other: none looks at what others may have made.
func Shared(t testing.TB, flags ...string) *Shop {
	if Given() {
		return Start(t, flags...)
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	key := strings.Join(flags, " ")
	if s := shared.shops[key]; s != nil {
		return s
	}
	s, err := newFolder()
	require.NoError(t, err)
	s.storage, err = databases(t.Context())
	require.NoError(t, err)
	s.URL = "http://" + freeAddress(t)
	s.Restart(t, flags...)
	if shared.shops == nil {
		shared.shops = make(map[string]*Shop)
	}
	shared.shops[key] = s
	return s
}

func newFolder() (*Shop, error) {
	dir, err := os.MkdirTemp("", "taproom-shared-")
	return &Shop{Data: dir}, err
}

// Main runs the tests of a package, then looks whether the shops that they shared bore them, and stops these: the books
// balance, nothing was logged as an error, and the process ends cleanly. A package that uses Shared calls it from TestMain.
func Main(m *testing.M) (code int) {
	code = m.Run()
	for flags, s := range shared.shops {
		if err := s.finish(); err != nil {
			fmt.Fprintf(os.Stderr, "the shared shop (%s): %v\n", flags, err)
			code = 1
		}
		if code != 0 {
			lines := s.Lines()
			fmt.Fprintln(os.Stderr, "the shared shop said at last:\n"+strings.Join(lines[max(0, len(lines)-100):], "\n"))
		}
		_ = os.RemoveAll(s.Data)
	}
	return code
}

func (s *Shop) finish() error {
	err := s.booksRest()
	for _, line := range s.Lines() {
		if strings.Contains(line, "level=ERROR") {
			err = errors.Join(err, errors.New("it logged: "+line))
		}
	}
	if stopErr := s.cmd.Process.Signal(syscall.SIGTERM); stopErr != nil {
		return errors.Join(err, stopErr)
	}
	select {
	case exit := <-s.exited:
		return errors.Join(err, exit)
	case <-time.After(30 * time.Second):
		return errors.Join(err, errors.New("it did not end"), s.cmd.Process.Kill())
	}
}

// booksRest waits until every rule of `taproom books` is kept and no message is under way.
func (s *Shop) booksRest() error {
	path, err := built()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		cmd := exec.CommandContext(ctx, path, "books")
		cmd.Env = s.environment()
		printed, err := cmd.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
		if err == nil && !slices.ContainsFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "OK ") }) {
			return nil
		}
		if err != nil || ctx.Err() != nil {
			return fmt.Errorf("the books: %w\n%s", errors.Join(err, ctx.Err()), printed)
		}
	}
}

// environment lets commands of the binary act as the shop's staff.
func (s *Shop) environment() []string {
	return append(os.Environ(), "TAPROOM_URL="+s.URL, "TAPROOM_EMAIL="+s.Staff.Email, "TAPROOM_PASSWORD="+s.Staff.Password)
}
