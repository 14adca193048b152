package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
)

// keptCopies is how many copies of an SQLite file stay.
const keptCopies = 3

// MigrateKeepingCopy is Migrate for databases whose operator is not asked before: it copies an SQLite file that holds
// data and would be changed. The copy stands beside the file and says in its name which versions it has, such as
// `order.db.copy.journal-1.order-2`; the newest three stay. Copies of PostgreSQL are its operator's.
func MigrateKeepingCopy(ctx context.Context, db *DB, log *slog.Logger, all ...Migrations) error {
	versions, err := outdated(ctx, db, all)
	if err != nil {
		return err
	}
	if versions != "" && db.dialect == dialect.SQLite {
		path, err := db.keepCopy(ctx, versions)
		if err != nil {
			return fmt.Errorf("copying the database before it is migrated: %w", err)
		}
		log.InfoContext(ctx, "the database is migrated; a copy of what it was is kept", slog.String("copy", path))
	}
	return Migrate(ctx, db, all...)
}

// outdated names the versions that a database has, such as `.journal-1.order-2`, if it lacks some; else "".
func outdated(ctx context.Context, db *DB, all []Migrations) (versions string, err error) {
	lacks := false
	for _, m := range all {
		provider, err := m.provider(db)
		if err != nil {
			return "", err
		}
		pending, err := m.pending(ctx, db, provider)
		if err != nil {
			return "", err
		}
		applied, err := m.applied(ctx, db)
		if err != nil {
			return "", err
		}
		lacks = lacks || len(pending) > 0
		if len(applied) > 0 {
			versions += fmt.Sprintf(".%s-%d", m.Name, slices.Max(slices.Collect(maps.Keys(applied))))
		}
	}
	if !lacks {
		return "", nil
	}
	return versions, nil
}

// keepCopy copies an SQLite file and removes copies that are too many.
func (db *DB) keepCopy(ctx context.Context, versions string) (path string, err error) {
	var file string
	if err := db.QueryRow(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		return "", err
	}
	path = file + ".copy" + versions
	draft := file + ".draft"
	if err := os.RemoveAll(draft); err != nil {
		return "", err
	}
	if _, err := db.write.ExecContext(ctx, "VACUUM INTO ?", draft); err != nil {
		return "", err
	}
	if err := syncFile(draft); err != nil { // SQLite leaves that to the system
		return "", err
	}
	if err := os.Rename(draft, path); err != nil { // what has the name is complete
		return "", err
	}
	return path, dropCopies(file)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// dropCopies removes all copies of a file but the newest.
func dropCopies(file string) error {
	folder, prefix := filepath.Dir(file), filepath.Base(file)+".copy."
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var copies []os.FileInfo
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		copies = append(copies, info)
	}
	slices.SortFunc(copies, func(a, b os.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(b.Name(), a.Name()))
	})
	for _, old := range copies[min(len(copies), keptCopies):] {
		if err := os.Remove(filepath.Join(folder, old.Name())); err != nil {
			return err
		}
	}
	return nil
}
