package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"entgo.io/ent/dialect"
	"modernc.org/sqlite"
)

const (
	sqliteReaders     = 4
	sqliteBusyTimeout = "busy_timeout(10000)" // ms; only another process can hold the write lock that long
	sqliteBusy        = 5                     // SQLITE_BUSY, in the low byte of the extended codes
)

// openSQLite opens one connection that writes and a pool that only reads. With one writer, transactions queue in Go, in
// order, instead of failing with SQLITE_BUSY; readers never wait, since the journal is a write-ahead log.
func (db *DB) openSQLite(ctx context.Context, location *url.URL) error {
	path := location.Path
	if location.Host != "" || location.RawQuery != "" || !filepath.IsAbs(path) {
		return fmt.Errorf("database URL %q: an SQLite database is named by an absolute path without parameters, such as sqlite:///var/lib/taproom/order.db", location)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil { //nolint:gosec // the operator says where
		return fmt.Errorf("folder of the database: %w", err)
	}
	db.dialect = dialect.SQLite

	var err error
	if db.write, err = sqlitePool(path, 1, "journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)"); err != nil {
		return err
	}
	if err := db.write.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("opening %s: %w", path, err), db.write.Close())
	}
	if db.read, err = sqlitePool(path, sqliteReaders, "query_only(1)"); err != nil {
		return errors.Join(err, db.write.Close())
	}
	return nil
}

func sqlitePool(path string, size int, pragmas ...string) (*sql.DB, error) {
	// Times are text in one zone and format, whose order is that of time.
	params := url.Values{
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"},
		"_timezone":    {"UTC"},
		"_pragma":      append(pragmas, sqliteBusyTimeout, "foreign_keys(1)"),
	}
	source := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	driven, err := sql.Open("sqlite", "") // opens nothing
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	pool := sql.OpenDB(sqliteConnector{driver: driven.Driver(), source: source.String()})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool, nil
}

func isSQLiteBusy(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code()&0xff == sqliteBusy
}
