// Package database opens a service's database, SQLite or PostgreSQL, and runs transactions on it, alone or in groups that
// share one commit. Both databases are driven through database/sql and can carry ent clients, for reading on the whole
// database and for writing inside a transaction.
package database

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// Config says which database to open.
type Config struct {
	// URL is `sqlite:///absolute/path/name.db` or `postgres://user@host/name?…` as libpq understands it.
	URL string
	// MaxConns bounds the connections to PostgreSQL; 0 means 10. SQLite always has one that writes and four that read.
	MaxConns int
	// Clock stamps the rows that shared tables keep; nil means time.Now.
	Clock func() time.Time
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect string
	write   *sql.DB
	read    *sql.DB // the same pool as write on PostgreSQL
	reader  dialect.Driver
	clock   func() time.Time
	group   group
	signals sync.Map // name → *Signal
	kept    sync.Map // key → what Kept made
}

// Open connects to the database that cfg names and fails when it can't be reached. An SQLite file and its folder are made
// when they don't exist; tables are Migrate's job.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	location, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	db := &DB{clock: cfg.Clock}
	if db.clock == nil {
		db.clock = time.Now
	}
	switch location.Scheme {
	case "sqlite":
		err = db.openSQLite(ctx, location)
	case "postgres", "postgresql":
		err = db.openPostgres(ctx, cfg)
	default:
		err = fmt.Errorf("database URL has scheme %q: write sqlite:///absolute/path/name.db or postgres://user@host/name", location.Scheme)
	}
	if err != nil {
		return nil, err
	}
	db.reader = entsql.OpenDB(db.dialect, db.read)
	db.group.db = db
	return db, nil
}

// Dialect returns ent's name of the database: dialect.SQLite or dialect.Postgres.
func (db *DB) Dialect() string { return db.dialect }

// Reader returns a driver for ent clients that only read. It sees committed rows, and never those of a running transaction.
// On SQLite every write through it fails.
func (db *DB) Reader() dialect.Driver { return db.reader }

// Query reads committed rows. Placeholders are `?` on both databases. The caller closes the rows.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.read.QueryContext(ctx, rebind(db.dialect, query), args...)
}

// QueryRow reads at most one committed row. Placeholders are `?` on both databases.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.read.QueryRowContext(ctx, rebind(db.dialect, query), args...)
}

// Ping fails when the database can't be reached.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.read.PingContext(ctx); err != nil {
		return fmt.Errorf("database does not answer: %w", err)
	}
	return nil
}

// Now returns the time in UTC, cut to microseconds, which is what both databases keep.
func (db *DB) Now() time.Time { return db.clock().UTC().Truncate(time.Microsecond) }

// Close waits for running statements and closes all connections.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	// The writer goes last: the last connection to an SQLite file folds its log back into it.
	readErr := db.read.Close()
	if err := db.write.Close(); err != nil {
		return err
	}
	return readErr
}
