package shop

import (
	"context"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/user"
)

// EnsureStaff makes sure that there is a staff account, so that a new shop has somebody to run it.
func (s *Shop) EnsureStaff(ctx context.Context, email, password string) error {
	return ensureStaff(ctx, s.cfg.Services.User, s.parts.secrets, s.parts.databases[user.Name], email, password)
}

func ensureStaff(ctx context.Context, cfg user.Config, kept secrets, users *database.DB, email, password string) error {
	deps, err := kept.accounts(module.Kit{DB: users, Clock: func() time.Time { return time.Now().UTC() }})
	if err != nil {
		return err
	}
	_, err = user.EnsureStaff(ctx, cfg, deps, email, "Staff", password)
	return err
}
