package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/taproom-shop/taproom/services/internal/database"
)

// Migrate brings the databases of the services named, or of all, to the versions that this program knows. The pattern is
// that of --database-url.
func Migrate(ctx context.Context, pattern string, names []string, log *slog.Logger) error {
	if len(names) == 0 {
		names = Names()
	}
	list, err := named(names)
	if err != nil {
		return err
	}
	urls, err := forEach(pattern)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.migrations == nil {
			continue
		}
		if err := s.migrate(ctx, urls(s.name), log.With(slog.String("service", s.name))); err != nil {
			return fmt.Errorf("the database of %s: %w", s.name, err)
		}
		log.InfoContext(ctx, "the database is up to date", slog.String("service", s.name))
	}
	return nil
}

func (s service) migrate(ctx context.Context, url string, log *slog.Logger) (err error) {
	db, err := database.Open(ctx, database.Config{URL: url})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return database.MigrateKeepingCopy(ctx, db, log, s.migrations()...)
}
