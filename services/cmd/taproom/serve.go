package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/shop"
)

type serveCmd struct {
	Names          []string         `arg:"" optional:"" name:"service" help:"Services of a cluster to run in this process, the edge among them; none: the whole shop on embedded parts."`
	Listen         string           `default:"127.0.0.1:8080" help:"Address of the web shop and the API." placeholder:"HOST:PORT"`
	Data           string           `default:"data" help:"Folder that keeps everything between runs of the whole shop." type:"path"`
	InternalListen string           `help:"Address, out of reach for customers, that serves /metrics, /healthz, /readyz and /debug/pprof/; by default none." placeholder:"HOST:PORT"`
	Demo           bool             `help:"Make demo accounts, fill an empty catalogue, and simulate warehouse, courier and card provider."`
	StaffEmail     string           `help:"Make sure that there is a staff account with this e-mail address."`
	StaffPassword  string           `help:"Password of that account if it is new, at least 10 characters; better given as TAPROOM_STAFF_PASSWORD."`
	LogLevel       telemetry.Levels `default:"info" help:"Least important messages to log: debug, info, warn or error; for single services besides, such as info,order=debug."`
	LogFormat      string           `default:"text" enum:"text,json" help:"How to write log messages: text or json."`

	ServiceListen string       `default:"127.0.0.1:8443" group:"In a cluster:" help:"Address at which the edge and other services call those of this process." placeholder:"HOST:PORT"`
	Advertise     string       `group:"In a cluster:" help:"That address as others reach it; by default where it listens, or on every address the one from which this machine reaches Consul." placeholder:"HOST:PORT"`
	Cluster       shop.Cluster `embed:"" group:"In a cluster:"`

	Telemetry telemetry.Options `embed:""`
	Edge      edge.Config       `embed:"" prefix:"edge-"`
	Settings  shop.Settings     `embed:""`
}

// Run serves the shop, or some services of a cluster, until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, out io.Writer) (err error) {
	if err := c.LogLevel.Check(shop.LogNames()...); err != nil {
		return err
	}
	log, err := telemetry.NewLogger(os.Stderr, telemetry.Format(c.LogFormat), c.LogLevel)
	if err != nil {
		return err
	}
	if len(c.Names) > 0 {
		return c.join(ctx, log)
	}
	return c.open(ctx, out, log)
}

// open runs the whole shop on embedded parts.
func (c *serveCmd) open(ctx context.Context, out io.Writer, log *slog.Logger) (err error) {
	told, err := telemetry.Open(ctx, log, "taproom", version, c.Telemetry, c.InternalListen != "")
	if err != nil {
		return err
	}
	defer told.Close(ctx)
	s, err := shop.Open(ctx, shop.Config{
		Listen: c.Listen, Data: c.Data, DatabaseURL: c.Cluster.DatabaseURL, Demo: c.Demo, Version: version, Telemetry: told.Providers, Edge: c.Edge, Services: c.Settings,
	}, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if c.StaffEmail != "" {
		if err := s.EnsureStaff(ctx, c.StaffEmail, c.StaffPassword); err != nil {
			return err
		}
	}
	if c.InternalListen != "" {
		stop, failure := serveInternal(ctx, c.InternalListen, s.Internal(told.Handler), log)
		if failure != nil {
			return failure
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return s.Run(ctx, func(ctx context.Context) {
		defer collectLess()
		fmt.Fprintf(out, "\nTaproom is open.\n  Shop               %s/\n  API documentation  %s/api-docs/\n", s.URL(), s.URL())
		if !c.Demo {
			return
		}
		accounts, err := s.Demo(ctx)
		if err != nil {
			if ctx.Err() == nil {
				log.ErrorContext(ctx, "the demo could not be set up", slog.Any("error", err))
			}
			return
		}
		printAccounts(out, accounts)
	})
}
