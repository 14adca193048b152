package shop

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/taproom-shop/taproom/services/catalog"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/user"
)

// SetUpDemo does for a cluster what Demo does for an embedded shop. It needs the databases of user and catalog, the secrets,
// in which the accounts' passwords are kept, and the address of an edge.
func (c Cluster) SetUpDemo(ctx context.Context, cfg user.Config, edgeURL string, log *slog.Logger) (accounts []user.DemoAccount, err error) {
	databases := make(map[string]*database.DB, 2)
	list, err := named([]string{user.Name, catalog.Name})
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		db, failure := c.database(ctx, s, log)
		if failure != nil {
			return nil, errors.Join(err, failure)
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		databases[s.name] = db
	}
	d := demo{
		user: cfg, secrets: secrets(c.Secrets), users: databases[user.Name], catalogue: databases[catalog.Name],
		shop: Caller{HTTP: &http.Client{Timeout: time.Minute}, URL: edgeURL},
	}
	err = c.await(ctx, log, "the shop", func(ctx context.Context) error {
		accounts, err = d.setUp(ctx)
		return err
	})
	return accounts, err
}

// AddStaff makes sure that a cluster has a staff account with that e-mail address. It needs the database of user and the secrets.
func (c Cluster) AddStaff(ctx context.Context, cfg user.Config, email, password string, log *slog.Logger) (err error) {
	list, err := named([]string{user.Name})
	if err != nil {
		return err
	}
	db, err := c.database(ctx, list[0], log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return ensureStaff(ctx, cfg, secrets(c.Secrets), db, email, password)
}
