package database

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// IsUnavailable tells failures of a database that is away: it can't be connected to, or a connection broke. They pass by
// themselves, so the work may be tried again; whether a commit that ended like this took effect is not known. A full or a
// broken disk under SQLite is none of these.
func IsUnavailable(err error) bool {
	var (
		connecting *pgconn.ConnectError
		network    *net.OpError
		answer     *pgconn.PgError
	)
	switch {
	case errors.As(err, &answer):
		return isServerAway(answer.Code)
	case errors.As(err, &connecting), errors.As(err, &network):
		return true
	}
	for _, broken := range []error{driver.ErrBadConn, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return false
}

// isServerAway tells the SQLSTATEs of a server that ends, begins, or has no room for another connection.
func isServerAway(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "53300":
		return true
	}
	return strings.HasPrefix(code, "08")
}
