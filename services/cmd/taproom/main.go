// Command taproom is the whole shop in one binary: it serves it, and looks after it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set when the binary is built.
var version = "dev"

// cli are the commands of the program.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the shop: every service on embedded parts, or those named on the parts of a cluster."`
	Secrets secretsCmd `cmd:"" help:"Make the secrets of a cluster."`
	Migrate migrateCmd `cmd:"" help:"Bring the databases of a cluster to this version."`
	Demo    demoCmd    `cmd:"" help:"Give a running cluster demo accounts, beers and stock."`
	Doctor  doctorCmd  `cmd:"" help:"Look at the parts of a cluster: what is reachable, which versions, what is misconfigured and how to mend it."`
	Ready   readyCmd   `cmd:"" help:"Tell whether the services of a process on this machine take calls."`
	Rebuild rebuildCmd `cmd:"" help:"Make projections and caches anew from what they are derived from."`
	Books   booksCmd   `cmd:"" help:"Check the books of a running shop: one line for each rule; fails when one is broken."`
	Version versionCmd `cmd:"" help:"Tell the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "taproom:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("taproom"),
		kong.Description("A beer shop made of services."),
		kong.DefaultEnvars("TAPROOM"),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(os.Stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run()
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out io.Writer) error {
	_, err := fmt.Fprintln(out, version)
	return err
}
