package journal_test

import (
	"context"
	"testing/fstest"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// effects is a table whose rows are what happened, and may happen twice.
var effects = database.Migrations{Name: "effects", FS: fstest.MapFS{
	"sqlite/00001_init.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE effects (what text NOT NULL);\n")},
	"postgres/00001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE effects (what text NOT NULL);\n")},
}}

func happen(ctx context.Context, tx *database.Tx, what string) error {
	_, err := tx.Exec(ctx, "INSERT INTO effects (what) VALUES (?)", what)
	return err
}
