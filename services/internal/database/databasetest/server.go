package databasetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/taproom-shop/taproom/services/internal/localpostgres"
)

const startTimeout = time.Minute

// keeper runs a server, stops and starts it as its standard input says, and ends it, and removes its folder, when that
// closes: that happens when the test process ends, in whatever way. The server stands in the keeper's own process group, out
// of reach of a terminal's Ctrl-C.
const keeper = `
folder=$1 bin=$2
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; rm -rf "$folder"; exit 1; }
start() {
	"$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
		-c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB </dev/null >>"$folder/postgres.log" 2>&1 &
}
start
while read -r order; do
	case $order in
	start) start ;;
	stop) kill -INT $! && wait $! ;;
	esac
done
kill -QUIT $! && wait $!
rm -rf "$folder"
`

// Server is a PostgreSQL server that listens on a socket in a temporary folder only, keeps nothing safe on disk, and ends
// with this process.
type Server struct {
	// URL is the address of its database `postgres`, as a user who may do everything.
	URL string

	folder string
	orders io.Writer    // to the keeper
	ended  <-chan error // the keeper's end
}

// StartServer starts a server of its own for a test that stops it, or for a process that needs more than databases.
func StartServer() (*Server, error) {
	installed, err := localpostgres.Find()
	if err != nil {
		return nil, err
	}
	// A socket's path has room for about 100 bytes, too few for some temporary folders.
	folder, err := os.MkdirTemp("/tmp", "taproom-postgres-")
	if err != nil {
		return nil, err
	}
	if err := installed.Give(folder); err != nil {
		return nil, err
	}
	command := exec.CommandContext(context.Background(), "/bin/sh", "-c", keeper, "keeper", folder, installed.Bin)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: installed.As}
	var problems bytes.Buffer
	command.Stderr = &problems
	orders, err := command.StdinPipe() // stays open as long as this process lives
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()

	location := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}
	server := &Server{URL: location.String(), folder: folder, orders: orders, ended: ended}
	if err := awaitPostgres(server.URL, ended); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "postgres.log"))
		return nil, fmt.Errorf("starting PostgreSQL from %s: %w\n%s%s", installed.Bin, err, problems.Bytes(), log)
	}
	return server, nil
}

// Stop ends the server as an operator would: its clients are told, and then nobody answers.
func (s *Server) Stop() error {
	if _, err := io.WriteString(s.orders, "stop\n"); err != nil {
		return err
	}
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(startTimeout)
	for {
		if _, err := os.Stat(filepath.Join(s.folder, ".s.PGSQL.5432")); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-look.C:
		case <-deadline:
			return errors.New("the server does not end")
		}
	}
}

// Start starts the server again, with the data that it had.
func (s *Server) Start() error {
	if _, err := io.WriteString(s.orders, "start\n"); err != nil {
		return err
	}
	return awaitPostgres(s.URL, s.ended)
}

// awaitPostgres waits for the server's first answer.
func awaitPostgres(address string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- localpostgres.Await(ctx, address) }()
	select {
	case err := <-answered:
		return err
	case err := <-ended:
		return errors.Join(errors.New("the server ended"), err)
	}
}
