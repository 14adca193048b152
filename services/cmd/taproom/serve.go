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
	Listen         string     `default:"127.0.0.1:8080" help:"Address of the web shop and the API." placeholder:"HOST:PORT"`
	Data           string     `default:"data" help:"Folder that keeps everything between runs." type:"path"`
	DatabaseURL    string     `help:"Keep the services' databases elsewhere: a URL with {service} in it, such as postgres://user@host/taproom_{service}; by default SQLite files in the data folder." placeholder:"URL"`
	InternalListen string     `help:"Address, out of reach for customers, that serves Go's profiles at /debug/pprof/; by default none." placeholder:"HOST:PORT"`
	Demo           bool       `help:"Make demo accounts, fill an empty catalogue, and simulate warehouse, courier and card provider."`
	StaffEmail     string     `help:"Make sure that there is a staff account with this e-mail address."`
	StaffPassword  string     `help:"Password of that account if it is new, at least 10 characters; better given as TAPROOM_STAFF_PASSWORD."`
	LogLevel       slog.Level `default:"info" help:"Least important messages to log: debug, info, warn or error."`
	LogFormat      string     `default:"text" enum:"text,json" help:"How to write log messages: text or json."`

	Edge     edge.Config   `embed:"" prefix:"edge-"`
	Services shop.Settings `embed:""`
}

// Run serves the shop until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, out io.Writer) (err error) {
	log, err := telemetry.NewLogger(os.Stderr, telemetry.Format(c.LogFormat), c.LogLevel)
	if err != nil {
		return err
	}
	s, err := shop.Open(ctx, shop.Config{
		Listen: c.Listen, Data: c.Data, DatabaseURL: c.DatabaseURL, Demo: c.Demo, Version: version, Edge: c.Edge, Services: c.Services,
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
		stop, failure := serveProfiles(ctx, c.InternalListen, log)
		if failure != nil {
			return failure
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	return s.Run(ctx, func(ctx context.Context) {
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
		fmt.Fprintln(out, "  Demo accounts")
		for _, account := range accounts {
			fmt.Fprintf(out, "    %-9s %s  password %s\n", account.Role, account.Email, account.Password)
		}
	})
}
