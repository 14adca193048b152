// Command cluster runs the shop as it runs in production, on this machine: every part and every service a process of its
// own. What dies is started again; Ctrl-C stops all of it, and the next start goes on with the same data.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/taproom-shop/taproom/services/cluster"
)

type cli struct {
	Listen       string        `default:"127.0.0.1:8080" help:"Address of the web shop and the API." placeholder:"HOST:PORT"`
	Data         string        `default:"data/cluster" help:"Folder that keeps everything between runs." type:"path"`
	Root         string        `default:"." help:"Folder of the sources, with bin and deploy in it." type:"path"`
	Demo         bool          `default:"true" negatable:"" help:"Make demo accounts, fill an empty catalogue, and simulate warehouse, courier and card provider."`
	RestartAfter time.Duration `default:"2s" help:"Pause before a process that died is started again; 0s: it stays down."`
	Flags        []string      `help:"More flags for taproom serve, such as --flags=--courier-step-time=0s. One that begins with a service's name goes to that service." placeholder:"FLAG" sep:"none"`
}

func main() {
	var c cli
	kong.Parse(&c, kong.Name("cluster"), kong.Description("Runs the shop as many processes, on real parts."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func (c *cli) run(ctx context.Context, out io.Writer) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	fmt.Fprintln(out, "Starting PostgreSQL, Redis, NATS, Consul and the services …")
	shop, err := cluster.Start(ctx, cluster.Config{
		Root: c.Root, Data: c.Data, Listen: c.Listen, Demo: c.Demo, Flags: c.Flags, RestartAfter: c.RestartAfter,
	}, log)
	if err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was up
		}
		return err
	}
	defer func() {
		fmt.Fprintln(out, "Stopping …")
		err = errors.Join(err, shop.Stop())
	}()
	if err := printProcesses(out, shop.Processes()); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nTaproom is open.\n  Shop               %s/\n  API documentation  %[1]s/api-docs/\n  Logs               %s\n", shop.URL(), shop.Logs())
	if c.Demo {
		said, err := shop.Demo(ctx)
		if err != nil {
			return err
		}
		fmt.Fprint(out, said)
	}
	<-ctx.Done()
	return nil
}

func printProcesses(out io.Writer, processes []*cluster.Process) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nPROCESS\tPID\tADDRESS")
	for _, p := range processes {
		fmt.Fprintf(table, "%s\t%d\t%s\n", p.Name(), p.PID(), p.Address())
	}
	return table.Flush()
}
