package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// commitTimeout bounds a commit, which is not cut short by the caller's context: that would leave its outcome unknown.
const commitTimeout = 15 * time.Second

var errNested = errors.New("database: a transaction was begun inside another one of the same database; pass the outer Tx on")

// Tx is a running write transaction. It belongs to the function it was given to and to one goroutine at a time.
//
// A statement that fails dooms the transaction on both databases, as it does on PostgreSQL: later statements fail, and the
// transaction rolls back even if its function returns nil.
type Tx struct {
	db     *DB
	sql    *sql.Tx
	conn   *sql.Conn       // what it runs on; nil in a group
	bound  context.Context // in a group: what ends statements instead of the caller's context
	failed error
	hooks  []func()

	// raw keeps the connection from being taken away while it is used without database/sql, which does not expect that.
	raw   sync.Mutex
	ended bool // its context has, under raw
}

// Tx runs fn in a write transaction and commits it when fn returns nil. An error of fn, a panic, or the end of ctx rolls
// back. Serialization failures, deadlocks and a busy SQLite file are tried again, so fn must be repeatable: what it sets
// outside of the transaction it sets anew each time. Inside fn use the context it is given, and never DB.Tx.
func (db *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if within(ctx, db) {
		return errNested
	}
	return retry(ctx, func() error { return db.runTx(ctx, fn) })
}

func (db *DB) runTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("waiting for a database connection: %w", err)
	}
	defer conn.Close()

	// The transaction ends with ctx until its commit begins.
	txCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	tx := &Tx{db: db, conn: conn}
	detach := context.AfterFunc(ctx, func() {
		tx.raw.Lock()
		defer tx.raw.Unlock()
		tx.ended = true
		cancel()
	})
	defer detach()

	sqlTx, err := conn.BeginTx(txCtx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer sqlTx.Rollback() // does nothing after a commit

	tx.sql = sqlTx
	if err := fn(inside(ctx, db), tx); err != nil {
		if retryable(tx.failed) { // fn may have hidden it
			return tx.failed
		}
		return err
	}
	if tx.failed != nil {
		return tx.failed
	}
	if !detach() {
		return context.Cause(ctx)
	}
	if err := commit(sqlTx, cancel); err != nil {
		return err
	}
	tx.committed()
	return nil
}

// commit commits and gives up after commitTimeout by ending the transaction's context.
func commit(sqlTx *sql.Tx, cancel context.CancelFunc) error {
	timer := time.AfterFunc(commitTimeout, cancel)
	defer timer.Stop()
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// Dialect returns ent's name of the database: dialect.SQLite or dialect.Postgres.
func (tx *Tx) Dialect() string { return tx.db.dialect }

// Now returns the time in UTC, cut to microseconds.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// Signal returns the database's signal of that name.
func (tx *Tx) Signal(name string) *Signal { return tx.db.Signal(name) }

// Driver returns a driver for an ent client inside this transaction. A transaction that ent begins on it is this one.
func (tx *Tx) Driver() dialect.Driver {
	return txDriver{entsql.NewDriver(tx.db.dialect, entsql.Conn{ExecQuerier: statements{tx}})}
}

// Exec runs a statement and returns how many rows it changed. Placeholders are `?` on both databases.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	result, err := statements{tx}.ExecContext(ctx, rebind(tx.db.dialect, query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query reads rows as the transaction sees them. The caller closes them before the next statement.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return statements{tx}.QueryContext(ctx, rebind(tx.db.dialect, query), args...)
}

// QueryRow reads at most one row as the transaction sees it.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	row := tx.sql.QueryRowContext(tx.scope(ctx), rebind(tx.db.dialect, query), args...)
	tx.note(row.Err())
	return row
}

// AfterCommit has hook run once the transaction is committed, and not at all if it isn't. Hooks run in order, in the
// goroutine that called DB.Tx, which waits for them.
func (tx *Tx) AfterCommit(hook func()) { tx.hooks = append(tx.hooks, hook) }

// Doom makes the transaction roll back whatever its function returns. The first error given is the one reported.
func (tx *Tx) Doom(err error) { tx.note(err) }

func (tx *Tx) note(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

func (tx *Tx) committed() {
	for _, hook := range tx.hooks {
		hook()
	}
}

// statements runs SQL in the transaction as it is written, for ent, and notes failures.
type statements struct{ tx *Tx }

// ExecContext runs a statement that returns no rows.
func (s statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s.tx.failed != nil {
		return nil, fmt.Errorf("an earlier statement of the transaction failed: %w", s.tx.failed)
	}
	result, err := s.tx.sql.ExecContext(s.tx.scope(ctx), query, args...)
	s.tx.note(err)
	return result, err
}

// QueryContext runs a statement that returns rows.
func (s statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s.tx.failed != nil {
		return nil, fmt.Errorf("an earlier statement of the transaction failed: %w", s.tx.failed)
	}
	rows, err := s.tx.sql.QueryContext(s.tx.scope(ctx), query, args...)
	s.tx.note(err)
	return rows, err
}

// txDriver is a driver whose transactions are the one it runs in.
type txDriver struct{ *entsql.Driver }

// Tx returns the transaction that runs; committing or rolling it back does nothing.
func (d txDriver) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(d), nil }

// BeginTx is Tx; the options were decided when the transaction began.
func (d txDriver) BeginTx(context.Context, *entsql.TxOptions) (dialect.Tx, error) {
	return dialect.NopTx(d), nil
}

// Close does nothing: the connection is not ent's to close.
func (txDriver) Close() error { return nil }
