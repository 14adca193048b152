// Command bench measures a running shop, each number next to what the same machine does at its best at the same time, and
// prints one table.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type cli struct {
	Run  runCmd  `cmd:"" default:"withargs" help:"Measure, and print the table."`
	Bare bareCmd `cmd:"" hidden:""`
}

type runCmd struct {
	Database string   `default:"both" enum:"sqlite,postgres,both" help:"Where the shop keeps its data: sqlite, postgres or both."`
	Quick    bool     `help:"Measure for a few seconds only: enough to see that all of it works."`
	URL      string   `help:"Measure a shop that runs already, as the staff account of TAPROOM_EMAIL and TAPROOM_PASSWORD; --database says where the plain transactions run."`
	Email    string   `env:"TAPROOM_EMAIL" hidden:""`
	Password string   `env:"TAPROOM_PASSWORD" hidden:""`
	Binary   string   `default:"bin/taproom" help:"The program to measure." type:"path"`
	Flags    []string `help:"More flags for its serve command, such as --internal-listen=127.0.0.1:6060." placeholder:"FLAG" sep:"none"`
	Only     string   `default:"all" enum:"all,catalogue,accepted,flow,live" help:"Measure only: catalogue, accepted, flow or live."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var c cli
	command := kong.Parse(&c, kong.Name("bench"), kong.Description("Measures the shop against what the machine can do."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(os.Stdout, (*io.Writer)(nil)))
	err := command.Run()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// durations are how long rows are measured.
type durations struct{ reads, accepted, flow, live time.Duration }

func (c *runCmd) durations() durations {
	if c.Quick {
		return durations{reads: 3 * time.Second, accepted: 2 * time.Second, flow: 5 * time.Second, live: 5 * time.Second}
	}
	return durations{reads: 8 * time.Second, accepted: 8 * time.Second, flow: 20 * time.Second, live: 20 * time.Second}
}

// Run measures on each database.
func (c *runCmd) Run(ctx context.Context, out io.Writer) error {
	if c.URL != "" && c.Database == "both" {
		return errors.New("a shop that runs already has one database: add --database=sqlite or --database=postgres")
	}
	var rows []row
	for _, database := range []string{"sqlite", "postgres"} {
		if c.Database != "both" && c.Database != database {
			continue
		}
		measured, err := c.measure(ctx, database)
		rows = append(rows, measured...)
		if err != nil {
			return errors.Join(fmt.Errorf("on %s: %w", database, err), printTable(out, rows))
		}
	}
	return printTable(out, rows)
}

// serviceNames are the services with databases.
var serviceNames = []string{"user", "catalog", "inventory", "cart", "order", "payment", "shipping", "notification"}

// open makes the shop's databases and that of the plain transactions.
func open(ctx context.Context, database, folder string) (shopURL string, plain *plainOrders, stop func() error, err error) {
	if database == "sqlite" {
		plain, err = openPlainSQLite(ctx, folder+"/plain.db")
		return "", plain, func() error { return nil }, err
	}
	server, stop, err := startPostgres(ctx, folder)
	if err != nil {
		return "", nil, nil, err
	}
	names := []string{"plain"}
	for _, service := range serviceNames {
		names = append(names, "taproom_"+service)
	}
	if err = server.create(ctx, names...); err == nil {
		plain, err = openPlainPostgres(ctx, server.url("plain"))
	}
	if err != nil {
		return "", nil, nil, errors.Join(err, stop())
	}
	return server.url("taproom_{service}"), plain, stop, nil
}

func (c *runCmd) measure(ctx context.Context, database string) (rows []row, err error) {
	// A socket's path has room for about 100 bytes, too few for some temporary folders.
	folder, err := os.MkdirTemp("/tmp", "taproom-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	databaseURL, plain, stopDatabase, err := open(ctx, database, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plain.db.Close(), stopDatabase()) }()
	running := &shop{url: strings.TrimSuffix(c.URL, "/"), staff: account{c.Email, c.Password}}
	if c.URL == "" {
		var stop func() error
		if running, stop, err = startShop(ctx, c.Binary, folder, databaseURL, c.Flags); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	b := bench{runCmd: c, database: database, folder: folder, shop: running, plain: plain, time: c.durations()}
	err = b.run(ctx)
	return b.rows, err
}
