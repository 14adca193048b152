package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/taproom-shop/taproom/services/internal/localpostgres"
)

// postgres is a server with PostgreSQL's own settings: a commit is on disk when it is answered.
type postgres struct{ address url.URL }

// startPostgres makes a server in a folder, reached through a socket there.
func startPostgres(ctx context.Context, folder string) (server *postgres, stop func() error, err error) {
	installed, err := localpostgres.Find()
	if err != nil {
		return nil, nil, fmt.Errorf("%w, or pass --database=sqlite", err)
	}
	if err := installed.Give(folder); err != nil {
		return nil, nil, err
	}
	data := filepath.Join(folder, "postgres")
	initdb := installed.Command(ctx, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
	if said, err := initdb.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("initdb: %w\n%s", err, said)
	}
	// Ten connections for each service, and those of the plain transactions.
	run := installed.Command(ctx, "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200")
	said := &output{}
	run.Stdout, run.Stderr = said, said
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGINT) }
	if err := run.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(run.Process.Signal(syscall.SIGINT), run.Wait()) }
	server = &postgres{url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}}
	waiting, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := localpostgres.Await(waiting, server.address.String()); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, said), stop())
	}
	return server, stop, nil
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
