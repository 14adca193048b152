package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/taproom-shop/taproom/services/shop"
	"github.com/taproom-shop/taproom/services/user"
)

type demoCmd struct {
	URL          string `default:"http://127.0.0.1:8080" help:"Address of the running shop."`
	shop.Cluster `embed:""`
	User         user.Config `embed:"" prefix:"user-"`
}

// Run sets the demo up and tells its accounts.
func (c *demoCmd) Run(ctx context.Context, out io.Writer) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	accounts, err := c.SetUpDemo(ctx, c.User, strings.TrimSuffix(c.URL, "/"), log)
	if err != nil {
		return err
	}
	printAccounts(out, accounts)
	return nil
}

func printAccounts(out io.Writer, accounts []user.DemoAccount) {
	fmt.Fprintln(out, "  Demo accounts")
	for _, account := range accounts {
		fmt.Fprintf(out, "    %-9s %s  password %s\n", account.Role, account.Email, account.Password)
	}
}
