package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// plainOrders is what accepted orders are compared with: the plainest transaction that keeps an order.
type plainOrders struct {
	db     *sql.DB
	orders string // the statements, in the database's dialect
	lines  string
	outbox string
}

const plainTables = `
CREATE TABLE orders (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, state TEXT NOT NULL, total BIGINT NOT NULL, address TEXT NOT NULL, placed_at TEXT NOT NULL);
CREATE TABLE order_lines (order_id TEXT NOT NULL, beer_id TEXT NOT NULL, beer_name TEXT NOT NULL, quantity INTEGER NOT NULL, unit_price BIGINT NOT NULL, PRIMARY KEY (order_id, beer_id));
CREATE TABLE outbox (id TEXT PRIMARY KEY, subject TEXT NOT NULL, payload %s NOT NULL, created_at TEXT NOT NULL)`

// openPlainSQLite opens a file the way the shop does: one connection that writes, every commit on disk.
func openPlainSQLite(ctx context.Context, path string) (*plainOrders, error) {
	params := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"journal_mode(wal)", "synchronous(full)", "journal_size_limit(67108864)", "busy_timeout(10000)", "foreign_keys(1)"},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}).String())
	if err != nil {
		return nil, err
	}
	return newPlainOrders(ctx, db, 1, "BLOB", "?")
}

// openPlainPostgres opens a database with a connection for each caller.
func openPlainPostgres(ctx context.Context, address string) (*plainOrders, error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, err
	}
	return newPlainOrders(ctx, db, connections, "BYTEA", "$%d")
}

func newPlainOrders(ctx context.Context, db *sql.DB, conns int, bytes, placeholder string) (*plainOrders, error) {
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	for statement := range strings.SplitSeq(fmt.Sprintf(plainTables, bytes), ";") {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	return &plainOrders{
		db:     db,
		orders: "INSERT INTO orders VALUES " + values(placeholder, 1, 6),
		lines:  "INSERT INTO order_lines VALUES " + values(placeholder, 3, 5),
		outbox: "INSERT INTO outbox VALUES " + values(placeholder, 1, 4),
	}, nil
}

// values are so many rows of placeholders, numbered where the database wants it.
func values(placeholder string, rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i%columns != 0:
			b.WriteString(", ")
		case i > 0:
			b.WriteString("), (")
		default:
			b.WriteString("(")
		}
		if strings.Contains(placeholder, "%d") {
			fmt.Fprintf(&b, placeholder, i+1)
		} else {
			b.WriteString(placeholder)
		}
	}
	return b.String() + ")"
}

// measure has the callers insert order after order, each with a commit of its own.
func (p *plainOrders) measure(ctx context.Context, d time.Duration) (rate, error) {
	return closedLoop(ctx, d, func(ctx context.Context, _ int) error { return p.insert(ctx) })
}

// insert keeps an order, three lines and an event about as large as the shop's.
func (p *plainOrders) insert(ctx context.Context) error {
	id, user, now := newID(), newID(), time.Now().UTC().Format(time.RFC3339Nano)
	lines := make([]any, 0, 15)
	for range 3 {
		lines = append(lines, id, newID(), "Harbour Pilsner", 1, 290)
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, p.orders, id, user, "PENDING", 1360, `{"recipient":"Ada Porter","street":"Malt Street 1"}`, now); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, p.lines, lines...); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, p.outbox, newID(), "taproom.order.placed."+id, make([]byte, 400), now); err != nil {
		return err
	}
	return tx.Commit()
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
