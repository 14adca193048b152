package database

import (
	"context"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ExecEach runs a statement once for each of rows, which are its arguments, in order, and returns how many rows of the table
// each run changed. It fails with the first that fails. PostgreSQL gets all of them in one round trip, and always the same
// text, which it has prepared; a statement over a list of tuples has another text for each length. Placeholders are `?` on
// both databases.
func (tx *Tx) ExecEach(ctx context.Context, query string, rows [][]any) (affected []int64, err error) {
	if tx.db.dialect == dialect.Postgres && len(rows) > 1 {
		return tx.pipeline(ctx, rebind(dialect.Postgres, query), rows)
	}
	affected = make([]int64, len(rows))
	for i, args := range rows {
		if affected[i], err = tx.Exec(ctx, query, args...); err != nil {
			return nil, err
		}
	}
	return affected, nil
}

// pipeline sends everything before it reads the first answer.
func (tx *Tx) pipeline(ctx context.Context, query string, rows [][]any) (affected []int64, err error) {
	if tx.failed != nil {
		return nil, fmt.Errorf("an earlier statement of the transaction failed: %w", tx.failed)
	}
	var batch pgx.Batch
	for _, args := range rows {
		batch.Queue(query, args...)
	}
	tx.raw.Lock()
	defer tx.raw.Unlock()
	if tx.ended {
		return nil, context.Cause(ctx)
	}
	affected = make([]int64, len(rows))
	err = tx.conn.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return errors.New("database: not a connection to PostgreSQL")
		}
		results := conn.Conn().SendBatch(ctx, &batch)
		for i := range rows {
			tag, err := results.Exec()
			if err != nil {
				_ = results.Close() // says the same
				return err
			}
			affected[i] = tag.RowsAffected()
		}
		return results.Close()
	})
	tx.note(err)
	return affected, err
}
