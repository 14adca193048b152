package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/taproom-shop/taproom/services/internal/localpostgres"
)

const superuser = "postgres"

// addPostgres makes the PostgreSQL server, which keeps what it has committed.
func (c *Cluster) addPostgres(ctx context.Context) error {
	installed, err := localpostgres.Find()
	if err != nil {
		return err
	}
	home, err := c.postgresFolder(ctx, installed)
	if err != nil {
		return err
	}
	data := filepath.Join(home, "data")
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		if err := c.initPostgres(ctx, installed, home, data); err != nil {
			return err
		}
	}
	address := c.state.address("postgres")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	c.postgres, err = c.newProcess(program{
		name: "postgres", kind: Postgres, address: address, as: installed.As,
		command: func(ctx context.Context) *exec.Cmd {
			return installed.Command(ctx, "postgres", "-D", data, "-h", host, "-p", port,
				"-c", "unix_socket_directories=", "-c", "max_connections=400")
		},
		ready:   func(ctx context.Context) error { return localpostgres.Await(ctx, c.superuserURL(superuser)) },
		quit:    syscall.SIGINT,  // sessions are ended, not waited for
		orphan:  syscall.SIGQUIT, // its own processes end with it
		lingers: 5 * time.Second, // its own processes, until they notice
	})
	return err
}

// postgresFolder is where the server's files are: in the data folder, or else, when the server must run as another user
// who can't get there, in that user's home.
func (c *Cluster) postgresFolder(ctx context.Context, installed localpostgres.Installation) (string, error) {
	folder := c.state.Home // it does not move, whoever may go where later
	switch {
	case folder != "":
	case installed.Reaches(ctx, c.cfg.Data):
		folder = c.folder("postgres")
	default:
		folder = filepath.Join(installed.Home, "taproom-"+c.state.ID)
		c.log.InfoContext(ctx, "the user postgres can't enter the data folder: its files are elsewhere", slog.String("folder", folder))
	}
	c.state.Home = folder
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	return folder, installed.Give(folder)
}

// initPostgres makes the server's files, whole or not at all.
func (c *Cluster) initPostgres(ctx context.Context, installed localpostgres.Installation, home, data string) error {
	draft, password := filepath.Join(home, "draft"), filepath.Join(home, "password")
	if err := errors.Join(os.RemoveAll(draft), os.WriteFile(password, []byte(c.state.secret("postgres")), 0o600), installed.Give(password)); err != nil {
		return err
	}
	initdb := installed.Command(ctx, "initdb", "-D", draft, "-U", superuser, "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--locale=C")
	said, err := initdb.CombinedOutput()
	if err := errors.Join(err, os.Remove(password)); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, said)
	}
	return os.Rename(draft, data)
}

// createDatabases gives each service a database and a role of its own, which nobody else gets into.
func (c *Cluster) createDatabases(ctx context.Context) error {
	db, err := sql.Open("pgx", c.superuserURL(superuser))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, m := range topology {
		if !m.database {
			continue
		}
		name := databaseName(m.service)
		var role, database bool
		row := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1), EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name)
		if err := row.Scan(&role, &database); err != nil {
			return err
		}
		var statements []string
		if !role {
			statements = append(statements, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, c.state.secret("database "+m.service)))
		}
		if !database {
			statements = append(statements, fmt.Sprintf("CREATE DATABASE %s OWNER %[1]s", name))
		}
		statements = append(statements, fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", name))
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("the database of %s: %w", m.service, err)
			}
		}
	}
	return nil
}

func databaseName(service string) string { return "taproom_" + service }

// DatabaseURL is the address of a service's database, as that service.
func (c *Cluster) DatabaseURL(service string) string {
	return c.postgresURL(databaseName(service), c.state.secret("database "+service), databaseName(service))
}

// superuserURL is the address of a database, which may have a placeholder in its name, as the superuser.
func (c *Cluster) superuserURL(database string) string {
	return c.postgresURL(superuser, c.state.secret("postgres"), database)
}

// postgresURL is no url.URL, which would escape a placeholder. Names and passwords need no escape.
func (c *Cluster) postgresURL(user, password, database string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/%s", user, password, c.postgres.Address(), database)
}
