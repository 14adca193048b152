package databasetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const startTimeout = time.Minute

// keeper runs a server and ends it, and removes its folder, when its standard input closes: that happens when the test
// process ends, in whatever way. The server stands in the keeper's own process group, out of reach of a terminal's Ctrl-C.
const keeper = `
folder=$1 bin=$2
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; rm -rf "$folder"; exit 1; }
"$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
	-c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB </dev/null >"$folder/postgres.log" 2>&1 &
cat >/dev/null
kill -QUIT $! && wait $!
rm -rf "$folder"
`

// startPostgres starts a server that listens on a socket in a temporary folder only, keeps nothing safe on disk, and ends
// with this process. It returns the server's address.
func startPostgres() (string, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return "", err
	}
	// A socket's path has room for about 100 bytes, too few for some temporary folders.
	folder, err := os.MkdirTemp("/tmp", "taproom-postgres-")
	if err != nil {
		return "", err
	}
	credential, err := postgresUser(folder)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(context.Background(), "/bin/sh", "-c", keeper, "keeper", folder, bin)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	var problems bytes.Buffer
	command.Stderr = &problems
	if _, err := command.StdinPipe(); err != nil { // stays open as long as this process lives
		return "", err
	}
	if err := command.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()

	location := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}
	if err := awaitPostgres(location.String(), ended); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "postgres.log"))
		return "", fmt.Errorf("starting PostgreSQL from %s: %w\n%s%s", bin, err, problems.Bytes(), log)
	}
	return location.String(), nil
}

// awaitPostgres waits for the server's first answer.
func awaitPostgres(address string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		failure := db.PingContext(ctx)
		if failure == nil {
			return nil
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("the server ended"), err)
		case <-ctx.Done():
			return failure
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// postgresPrograms returns the folder of the server's programs: from PATH, or where Debian keeps them, the newest first.
func postgresPrograms() (string, error) {
	var folders []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(initdb))
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for i := len(debian) - 1; i >= 0; i-- {
		folders = append(folders, debian[i])
	}
	for _, folder := range folders {
		if executable(filepath.Join(folder, "initdb")) && executable(filepath.Join(folder, "postgres")) {
			return folder, nil
		}
	}
	return "", errors.New("neither PATH nor /usr/lib/postgresql/*/bin has initdb and postgres")
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// postgresUser gives the folder to the user postgres when this process runs as root, whom PostgreSQL refuses to serve.
func postgresUser(folder string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
