package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/taproom-shop/taproom/services/shop"
)

type migrateCmd struct {
	Services    []string `arg:"" optional:"" help:"Services whose databases are migrated; by default all."`
	DatabaseURL string   `required:"" help:"The databases: a URL with {service} in it, such as postgres://taproom_{service}@host/taproom_{service}. Passwords may stand in the file that PGPASSFILE names." placeholder:"URL"`
}

// Run applies what the databases lack.
func (c *migrateCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return shop.Migrate(ctx, c.DatabaseURL, c.Services, log)
}
