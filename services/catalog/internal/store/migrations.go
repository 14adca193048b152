package store

import (
	"embed"
	"io/fs"

	"github.com/taproom-shop/taproom/services/internal/database"
)

//go:embed migrations
var migrations embed.FS

// Migrations make the catalogue's tables.
var Migrations = func() database.Migrations {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Migrations{Name: "catalog", FS: files}
}()
