package database

import (
	"context"
	"database/sql"
	"fmt"
)

// savepoints is a transaction with one savepoint, `member`, always open for whoever is next.
type savepoints struct{ *sql.Tx }

// keep makes what was done since the savepoint part of the transaction.
func (t *savepoints) keep(ctx context.Context) error {
	return t.exec(ctx, "RELEASE SAVEPOINT member; SAVEPOINT member")
}

// undo takes back what was done since the savepoint.
func (t *savepoints) undo(ctx context.Context) error {
	return t.exec(ctx, "ROLLBACK TO SAVEPOINT member")
}

func (t *savepoints) exec(ctx context.Context, statement string) error {
	if _, err := t.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
