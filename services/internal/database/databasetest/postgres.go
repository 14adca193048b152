package databasetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// TestPostgres names the environment variable that holds the URL of a PostgreSQL server to use, whose user may create
// databases. Without it each test process starts a server of its own.
const TestPostgres = "TAPROOM_TEST_POSTGRES"

// templateLock is an advisory lock that test processes on one server take to make a template.
const templateLock = 7_261_004

var postgresServer = sync.OnceValues(func() (*server, error) {
	address := os.Getenv(TestPostgres) //nolint:forbidigo // no command reads it for tests
	if address == "" {
		own, err := StartServer()
		if err != nil {
			return nil, err
		}
		address = own.URL
	}
	location, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", TestPostgres, err)
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		return nil, err
	}
	return &server{location: location, admin: admin}, nil
})

// Postgres returns a new PostgreSQL database with the migrations applied; it is dropped when the test ends. A test that
// can't have one fails.
func Postgres(t testing.TB, migrations ...database.Migrations) *database.DB {
	t.Helper()
	server, err := postgresServer()
	require.NoError(t, err, "tests need PostgreSQL: install its server programs, or set %s to the URL of a server", TestPostgres)

	template := "template0"
	if len(migrations) > 0 {
		template, err = server.template(t.Context(), key(t, migrations), migrations)
		require.NoError(t, err)
	}
	name := "test_" + uuid.Must(uuid.NewV7()).String()
	require.NoError(t, server.exec(t.Context(), `CREATE DATABASE %q TEMPLATE %q`, name, template))
	t.Cleanup(func() {
		require.NoError(t, server.exec(context.WithoutCancel(t.Context()), `DROP DATABASE %q WITH (FORCE)`, name))
	})
	return open(t, server.url(name))
}

// server is where test databases are made.
type server struct {
	location  *url.URL
	admin     *sql.DB
	templates sync.Map // key → struct{}: those known to be there
}

// url returns the address of a database on the server.
func (s *server) url(name string) string {
	location := *s.location
	location.Path = "/" + name
	return location.String()
}

func (s *server) exec(ctx context.Context, format string, names ...any) error {
	_, err := s.admin.ExecContext(ctx, fmt.Sprintf(format, names...))
	return err
}

// template returns the name of a database with the migrations applied, making it if no test process has done so yet.
func (s *server) template(ctx context.Context, key string, migrations []database.Migrations) (name string, err error) {
	name = "template_" + key
	if _, ok := s.templates.Load(key); ok {
		return name, nil
	}
	conn, err := s.admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock)
		err = errors.Join(err, unlockErr)
	}()

	var exists bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return "", err
	}
	if !exists {
		// It gets its name when it is complete.
		draft := "draft_" + uuid.Must(uuid.NewV7()).String()
		if err := s.exec(ctx, `CREATE DATABASE %q TEMPLATE template0`, draft); err != nil {
			return "", err
		}
		if err := migrate(ctx, s.url(draft), migrations); err != nil {
			return "", errors.Join(err, s.exec(ctx, `DROP DATABASE %q WITH (FORCE)`, draft))
		}
		if err := s.exec(ctx, `ALTER DATABASE %q RENAME TO %q`, draft, name); err != nil {
			return "", err
		}
	}
	s.templates.Store(key, struct{}{})
	return name, nil
}
