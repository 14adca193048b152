package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	keptStatements = 256     // prepared statements kept for each connection
	keptLength     = 4 << 10 // bytes of the longest statement that is kept
)

// sqliteConnector opens connections that keep their statements prepared: parsing takes SQLite about as long as running
// what a service mostly asks, and on the connection that writes everybody waits for both.
type sqliteConnector struct {
	driver driver.Driver
	source string
}

// Connect implements driver.Connector.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.source)
	if err != nil {
		return nil, err
	}
	inner, ok := opened.(sqliteInner)
	if !ok {
		return nil, errors.Join(errors.New("database: the SQLite driver's connections can do too little"), opened.Close())
	}
	conn := &sqliteConn{sqliteInner: inner}
	// Only a size below one fails.
	conn.statements, err = lru.NewWithEvict(keptStatements, func(_ string, s *keptStatement) { conn.evicted = append(conn.evicted, s) })
	return conn, err
}

// Driver implements driver.Connector.
func (c sqliteConnector) Driver() driver.Driver { return c.driver }

// sqliteInner is what the driver's connections can do and database/sql makes use of.
type sqliteInner interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteConn is a connection that keeps its statements prepared. Like any of database/sql it is used by one goroutine at
// a time.
type sqliteConn struct {
	sqliteInner
	statements *lru.Cache[string, *keptStatement]
	evicted    []*keptStatement // to be closed once their rows are
}

// sqliteStatement is what the driver's statements can do.
type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keptStatement is a prepared statement. It runs once at a time: as long as its rows are read it can't run again.
type keptStatement struct {
	sqliteStatement
	running bool
}

// statement answers the statement kept for the query, prepared if it has to be; nil when the query must run without.
func (c *sqliteConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if len(query) > keptLength {
		return nil, nil
	}
	if s, ok := c.statements.Get(query); ok {
		if s.running {
			return nil, nil
		}
		return s, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	able, ok := prepared.(sqliteStatement)
	if !ok {
		return nil, prepared.Close()
	}
	s := &keptStatement{sqliteStatement: able}
	c.statements.Add(query, s)
	return s, c.closeEvicted()
}

func (c *sqliteConn) closeEvicted() error {
	var errs []error
	c.evicted = slices.DeleteFunc(c.evicted, func(s *keptStatement) bool {
		if !s.running {
			errs = append(errs, s.Close())
		}
		return !s.running
	})
	return errors.Join(errs...)
}

// ExecContext implements driver.ExecerContext.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteInner.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteInner.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.running = true
	return keptRows{rows, s}, nil
}

// keptRows are rows whose end lets their statement run again.
type keptRows struct {
	driver.Rows
	statement *keptStatement
}

// Close implements driver.Rows.
func (r keptRows) Close() error {
	r.statement.running = false
	return r.Rows.Close()
}

// Close closes the statements and the connection.
func (c *sqliteConn) Close() error {
	c.statements.Purge()
	for _, s := range c.evicted {
		s.running = false
	}
	return errors.Join(c.closeEvicted(), c.sqliteInner.Close())
}
