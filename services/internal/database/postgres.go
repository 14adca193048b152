package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

const defaultMaxConns = 10

// openPostgres opens a pool whose sessions speak UTC.
func (db *DB) openPostgres(ctx context.Context, cfg Config) error {
	config, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return fmt.Errorf("database URL: %w", err) // pgx leaves the password out
	}
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "taproom"
	}
	db.dialect = dialect.Postgres
	db.write = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name:  "timestamptz",
			OID:   pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}))
	db.read = db.write

	size := cfg.MaxConns
	if size <= 0 {
		size = defaultMaxConns
	}
	db.write.SetMaxOpenConns(size)
	db.write.SetMaxIdleConns(size)
	if err := db.write.PingContext(ctx); err != nil {
		return errors.Join(fmt.Errorf("connecting to %s on %s: %w", config.Database, config.Host, err), db.write.Close())
	}
	return nil
}

// isPostgresConflict tells the failures after which PostgreSQL asks for the transaction to be tried again: it lost against
// a concurrent one, or was chosen to break a deadlock.
func isPostgresConflict(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && (failure.Code == "40001" || failure.Code == "40P01")
}
