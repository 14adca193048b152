package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/shop"
	"github.com/taproom-shop/taproom/services/user"
)

// join runs some services of a cluster.
func (c *serveCmd) join(ctx context.Context, log *slog.Logger) (err error) {
	if c.InternalListen == "" {
		return errors.New("--internal-listen is missing: Consul asks there whether the services are ready; write 127.0.0.1:8081, say")
	}
	told, err := telemetry.Open(ctx, log, "taproom", version, c.Telemetry, true)
	if err != nil {
		return err
	}
	defer told.Close(ctx)
	m, err := shop.Join(ctx, shop.MemberConfig{
		Services: c.Names, Cluster: c.Cluster, Listen: c.Listen, ServiceListen: c.ServiceListen, Advertise: c.Advertise, Internal: c.InternalListen,
		Demo: c.Demo, Version: version, Edge: c.Edge, Settings: c.Settings, Telemetry: told.Providers,
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if c.StaffEmail != "" && slices.Contains(c.Names, user.Name) {
		if err := c.Cluster.AddStaff(ctx, c.Settings.User, c.StaffEmail, c.StaffPassword, log); err != nil {
			return err
		}
	}
	stop, err := serveInternal(ctx, c.InternalListen, m.Internal(told.Handler), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	collectLess()
	return m.Run(ctx)
}
