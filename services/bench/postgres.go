package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postgres is a server with PostgreSQL's own settings: a commit is on disk when it is answered.
type postgres struct{ address url.URL }

// startPostgres makes a server in a folder, reached through a socket there.
func startPostgres(ctx context.Context, folder string) (server *postgres, stop func() error, err error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, nil, err
	}
	credential, err := postgresUser(folder)
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(folder, "postgres")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C") //nolint:gosec // an installed program
	initdb.Dir, initdb.SysProcAttr = "/", &syscall.SysProcAttr{Credential: credential}
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	// Ten connections for each service, and those of the plain transactions.
	run := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200") //nolint:gosec // an installed program
	run.Dir, run.SysProcAttr = "/", &syscall.SysProcAttr{Credential: credential}
	said := &output{}
	run.Stdout, run.Stderr = said, said
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGINT) }
	if err := run.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(run.Process.Signal(syscall.SIGINT), run.Wait()) }
	server = &postgres{url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}}
	if err := server.await(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, said), stop())
	}
	return server, stop, nil
}

func (p *postgres) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	db, err := sql.Open("pgx", p.address.String())
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
		case <-ctx.Done():
			return failure
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// create makes databases.
func (p *postgres) create(ctx context.Context, names ...string) error {
	db, err := sql.Open("pgx", p.address.String())
	if err != nil {
		return err
	}
	defer db.Close()
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
			return err
		}
	}
	return nil
}

// url is the address of a database, whose name may have a placeholder in it.
func (p *postgres) url(name string) string {
	return strings.Replace(p.address.String(), "/postgres?", "/"+name+"?", 1)
}

// postgresPrograms finds the folder of the server's programs: in PATH, or where Debian keeps them.
func postgresPrograms() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(folders) // the newest first
	if initdb, err := exec.LookPath("initdb"); err == nil {
		folders = append([]string{filepath.Dir(initdb)}, folders...)
	}
	if len(folders) == 0 {
		return "", errors.New("PostgreSQL's server programs are not installed: install them, or pass --database=sqlite")
	}
	return folders[0], nil
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
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr, os.Chown(folder, int(uid), int(gid))); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
