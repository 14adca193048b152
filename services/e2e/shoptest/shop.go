// Package shoptest runs the real binary for black-box tests: they know its address and its accounts, and nothing else.
package shoptest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Account is a demo account of the shop.
type Account struct{ Email, Password string }

// Shop is a running shop.
type Shop struct {
	URL      string
	Staff    Account
	Customer Account
	Data     string // its data folder

	// HTTP makes the calls of persons; nil: a client of its own for each, which speaks HTTP/2 without TLS.
	HTTP *http.Client

	storage []string // the flags that say where its databases are
	cmd     *exec.Cmd
	output  *output
	exited  chan error
}

// fast are the settings of a shop whose warehouse and courier take no time, and which takes any number of calls.
var fast = []string{"--shipping-assembly-time=0s", "--courier-step-time=0s", "--edge-rate=0", "--edge-streams=0", "--payment-card-delay=50ms"}

const givenURL = "TAPROOM_E2E_URL"

// Given reports whether the tests are given a shop that runs already, of which they know that its warehouse and courier take
// no time and that it takes any number of calls. Then they can neither stop it nor choose its flags.
func Given() bool { return os.Getenv(givenURL) != "" }

// Start runs a demo shop on a folder of its own until the test ends, with its databases where TAPROOM_E2E_DATABASE says.
// TAPROOM_E2E_URL names one that runs already, with its
// accounts in TAPROOM_E2E_STAFF and TAPROOM_E2E_CUSTOMER as email:password.
func Start(t testing.TB, flags ...string) *Shop {
	if Given() {
		return &Shop{URL: strings.TrimSuffix(os.Getenv(givenURL), "/"), Staff: account(t, "TAPROOM_E2E_STAFF"), Customer: account(t, "TAPROOM_E2E_CUSTOMER")}
	}
	storage, err := databases(t.Context())
	require.NoError(t, err)
	s := &Shop{Data: t.TempDir(), storage: storage}
	s.URL = "http://" + freeAddress(t)
	s.Restart(t, flags...)
	t.Cleanup(func() { s.Stop(t) })
	return s
}

func account(t testing.TB, variable string) Account {
	email, password, ok := strings.Cut(os.Getenv(variable), ":")
	require.True(t, ok, "%s must be email:password", variable)
	return Account{Email: email, Password: password}
}

// freeAddress finds a port that nobody uses. Somebody may take it before the shop does, which then says so.
func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// Restart starts the shop on its folder, again, and waits until its demo is set up.
func (s *Shop) Restart(t testing.TB, flags ...string) {
	args := slices.Concat([]string{"serve", "--demo", "--data", s.Data, "--listen", strings.TrimPrefix(s.URL, "http://")}, s.storage, fast, flags)
	s.output = &output{}
	s.cmd = exec.Command(binary(t), args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	s.cmd.SysProcAttr = dieWithParent()
	require.NoError(t, s.cmd.Start())
	s.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- error) { exited <- cmd.Wait() }(s.cmd, s.exited)
	require.Eventually(t, func() bool { return s.ready(t) }, 60*time.Second, 20*time.Millisecond, "the shop did not start:\n%s", s.output)
}

var accountLine = regexp.MustCompile(`(STAFF|CUSTOMER)\s+(\S+)\s+password (\S+)`)

func (s *Shop) ready(t testing.TB) bool {
	select {
	case err := <-s.exited:
		require.FailNow(t, "the shop ended", "%v\n%s", err, s.output)
	default:
	}
	found := accountLine.FindAllStringSubmatch(s.output.String(), -1)
	if len(found) < 2 {
		return false
	}
	for _, match := range found {
		if match[1] == "STAFF" {
			s.Staff = Account{Email: match[2], Password: match[3]}
		} else {
			s.Customer = Account{Email: match[2], Password: match[3]}
		}
	}
	return true
}

// Kill ends the shop as a crash does, without a chance to clean up.
func (s *Shop) Kill(t testing.TB) {
	require.NoError(t, s.cmd.Process.Kill())
	<-s.exited
	s.cmd = nil
}

// Stop asks the shop to end and fails the test if it does not do so cleanly.
func (s *Shop) Stop(t testing.TB) {
	if s.cmd == nil {
		return
	}
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.exited:
		require.NoError(t, err, "the shop did not end cleanly:\n%s", s.output)
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		require.FailNow(t, "the shop did not end", "%s", s.output)
	}
	s.cmd = nil
	if t.Failed() {
		t.Logf("the shop said:\n%s", s.output)
	}
}

// Taproom runs another command of the binary, such as `books`, against the shop, and answers what it printed.
func (s *Shop) Taproom(ctx context.Context, t testing.TB, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary(t), args...)
	cmd.Env = s.environment()
	printed, err := cmd.CombinedOutput()
	return string(printed), err
}

// Healthy reports whether every part of the shop works.
func (s *Shop) Healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req) //nolint:forbidigo // nothing to set
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}

var built = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TAPROOM_BINARY"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "taproom-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "taproom")
	out, err := exec.Command("go", "build", "-o", path, "github.com/taproom-shop/taproom/services/cmd/taproom").CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// binary is the program under test: TAPROOM_BINARY, or built from these sources once per test process.
func binary(t testing.TB) string {
	path, err := built()
	require.NoError(t, err)
	return path
}

// output keeps the last lines that a process printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const keptOutput = 1 << 20

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() > keptOutput {
		o.text.Next(o.text.Len() / 2)
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Lines answers what the shop printed so far, line by line.
func (s *Shop) Lines() []string {
	var lines []string
	scanner := bufio.NewScanner(strings.NewReader(s.output.String()))
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return lines
}
