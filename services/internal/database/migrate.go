package database

import (
	"context"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrations are the versions of a set of tables, as goose SQL files in folders sqlite/ and postgres/ of FS, named
// `00001_init.sql` and so on. Applied versions are kept in the table `<Name>_migrations`.
type Migrations struct {
	Name string
	FS   fs.FS
}

// Migrate applies what is not yet applied, each file in a transaction, in the order given. On PostgreSQL processes that
// migrate at once wait for each other. It refuses a database that holds versions it doesn't know.
func Migrate(ctx context.Context, db *DB, all ...Migrations) error {
	for _, m := range all {
		provider, err := m.provider(db)
		if err != nil {
			return err
		}
		if _, err := m.pending(ctx, db, provider); err != nil {
			return err
		}
		if _, err := provider.Up(ctx); err != nil {
			return fmt.Errorf("migrating %s: %w", m.Name, err)
		}
	}
	return nil
}

// Check fails when the database is not exactly at the versions known: when some are pending, and when it holds others. It
// changes nothing.
func Check(ctx context.Context, db *DB, all ...Migrations) error {
	for _, m := range all {
		provider, err := m.provider(db)
		if err != nil {
			return err
		}
		pending, err := m.pending(ctx, db, provider)
		if err != nil {
			return err
		}
		if len(pending) > 0 {
			return fmt.Errorf("the database lacks version %d of %s: run `taproom migrate`", pending[0], m.Name)
		}
	}
	return nil
}

// provider reads the files; it does not touch the database.
func (m Migrations) provider(db *DB) (*goose.Provider, error) {
	folder, err := fs.Sub(m.FS, map[string]string{dialect.SQLite: "sqlite", dialect.Postgres: "postgres"}[db.dialect])
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", m.Name, err)
	}
	store, err := m.store(db)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{goose.WithStore(store), goose.WithDisableGlobalRegistry(true)}
	if db.dialect == dialect.Postgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // seconds between tries, tries
		if err != nil {
			return nil, fmt.Errorf("migrations of %s: %w", m.Name, err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db.write, folder, options...)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", m.Name, err)
	}
	return provider, nil
}

func (m Migrations) store(db *DB) (goosedb.Store, error) {
	name := map[string]goosedb.Dialect{dialect.SQLite: goosedb.DialectSQLite3, dialect.Postgres: goosedb.DialectPostgres}[db.dialect]
	store, err := goosedb.NewStore(name, m.Name+"_migrations")
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", m.Name, err)
	}
	return store, nil
}

// pending returns the known versions that are not applied, in order, and fails when an applied one is not known.
func (m Migrations) pending(ctx context.Context, db *DB, provider *goose.Provider) ([]int64, error) {
	applied, err := m.applied(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("reading the versions of %s: %w", m.Name, err)
	}
	var pending []int64
	for _, source := range provider.ListSources() {
		if !applied[source.Version] {
			pending = append(pending, source.Version)
		}
		delete(applied, source.Version)
	}
	for version := range applied {
		return nil, fmt.Errorf("the database holds version %d of %s, which this program doesn't know: run a newer taproom", version, m.Name)
	}
	return pending, nil
}

// applied reads the version table; goose's own methods would make it.
func (m Migrations) applied(ctx context.Context, db *DB) (map[int64]bool, error) {
	store, err := m.store(db)
	if err != nil {
		return nil, err
	}
	exists := "SELECT to_regclass(?) IS NOT NULL"
	if db.dialect == dialect.SQLite {
		exists = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)"
	}
	var made bool
	if err := db.QueryRow(ctx, exists, store.Tablename()).Scan(&made); err != nil || !made {
		return nil, err
	}
	rows, err := store.ListMigrations(ctx, db.read)
	if err != nil {
		return nil, err
	}
	applied := make(map[int64]bool, len(rows))
	for _, row := range rows {
		if row.Version > 0 && row.IsApplied { // goose marks an empty table with version 0
			applied[row.Version] = true
		}
	}
	return applied, nil
}
