// Command chaos starts a cluster, disturbs one thing after the other while customers buy, and reports what they saw of it and
// whether anything was lost.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/taproom-shop/taproom/services/chaos"
)

type cli struct {
	Seed      uint64   `help:"Decides on the order of disturbances; 0: any."`
	Rounds    int      `default:"1" help:"How often each disturbance comes."`
	Only      []string `help:"Only these disturbances: ${disturbances}." placeholder:"NAME,…"`
	Short     bool     `help:"Shorter pauses."`
	Rate      float64  `default:"4" help:"Orders a second."`
	Customers int      `default:"16" help:"How many people place them."`
	Data      string   `help:"Folder for data and logs; by default one that is removed unless something broke." type:"path"`
	Root      string   `default:"." help:"Folder of the sources, with bin and deploy in it." type:"path"`
}

func main() {
	var c cli
	command := kong.Parse(&c, kong.Name("chaos"), kong.Description("Disturbs the shop while customers buy."),
		kong.Vars{"disturbances": strings.Join(chaos.Names(), ", ")})
	if c.Rate <= 0 || c.Customers <= 0 || c.Rounds <= 0 {
		command.Fatalf("--rate, --customers and --rounds must be greater than 0")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := c.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func (c *cli) run(ctx context.Context, out io.Writer) error {
	if c.Seed == 0 {
		c.Seed = rand.Uint64() //nolint:gosec // to be repeated
	}
	data, remove := c.Data, func() error { return nil }
	if data == "" {
		var err error
		if data, err = os.MkdirTemp("", "taproom-chaos-"); err != nil {
			return err
		}
		// PostgreSQL's user must get through it.
		if err := os.Chmod(data, 0o711); err != nil { //nolint:gosec // see above
			return err
		}
		remove = func() error { return os.RemoveAll(data) }
	}
	err := chaos.Run(ctx, chaos.Config{
		Root: c.Root, Data: data, Seed: c.Seed, Rounds: c.Rounds, Only: c.Only, Short: c.Short, Customers: c.Customers, Rate: c.Rate,
	}, out, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if errors.Is(err, chaos.ErrBroken) {
		return fmt.Errorf("%w; data and logs are in %s", err, data)
	}
	return errors.Join(err, remove())
}
