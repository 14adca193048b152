package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/taproom-shop/taproom/services/shop"
)

type rebuildCmd struct {
	Names    []string      `arg:"" optional:"" name:"service" help:"Services whose projections and caches are made anew; by default all that have any."`
	Data     string        `default:"data" help:"Folder of an embedded shop, which must not run meanwhile." type:"path"`
	Cluster  shop.Cluster  `embed:"" group:"In a cluster:"`
	Settings shop.Settings `embed:"" hidden:""`
}

// Run makes projections and caches anew: those of an embedded shop, or in a cluster, where services are named, beside them.
func (c *rebuildCmd) Run(ctx context.Context) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if c.Cluster.ConsulURL != "" {
		if len(c.Names) == 0 {
			return errors.New("name the service whose settings these are, such as cart: each has rights of its own")
		}
		m, err := shop.Prepare(ctx, shop.MemberConfig{Services: c.Names, Cluster: c.Cluster, Version: version, Settings: c.Settings}, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
		return m.Rebuild(ctx)
	}
	s, err := shop.Open(ctx, shop.Config{
		Listen: "127.0.0.1:0", Data: c.Data, DatabaseURL: c.Cluster.DatabaseURL, Version: version, Services: c.Settings,
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Rebuild(ctx, c.Names)
}
