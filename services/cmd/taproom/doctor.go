package main

import (
	"context"
	"fmt"
	"io"

	"github.com/taproom-shop/taproom/services/shop"
)

type doctorCmd struct {
	shop.Cluster
}

// Run prints a line for each part and fails when one has a problem.
func (c *doctorCmd) Run(ctx context.Context, out io.Writer) error {
	problems := 0
	for _, finding := range shop.Examine(ctx, c.Cluster) {
		fmt.Fprintf(out, "%-8s %-24s %s\n", finding.Grade, finding.Part, finding.Text)
		if finding.Mend != "" {
			fmt.Fprintf(out, "%34s→ %s\n", "", finding.Mend)
		}
		if finding.Grade == shop.Problem {
			problems++
		}
	}
	if problems > 0 {
		return fmt.Errorf("%d problems", problems)
	}
	return nil
}
