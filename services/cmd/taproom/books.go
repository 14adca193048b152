package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/shop"
)

type booksCmd struct {
	staffFlags
}

// Run prints a line for each invariant and fails when one is broken.
func (c *booksCmd) Run(ctx context.Context, out io.Writer) error {
	staff, err := c.staff(ctx)
	if err != nil {
		return err
	}
	invariants, err := shop.Books(ctx, staff)
	if err != nil {
		return err
	}
	broken := 0
	for _, i := range invariants {
		status := strings.TrimPrefix(i.GetStatus().String(), "INVARIANT_STATUS_")
		fmt.Fprintf(out, "%-8s %-34s %7d checked  %s\n", status, i.GetName(), i.GetChecked(), i.GetDescription())
		for _, finding := range i.GetFindings() {
			fmt.Fprintf(out, "         %s\n", finding)
		}
		if i.GetStatus() == typev1.InvariantStatus_INVARIANT_STATUS_BROKEN {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d rules are broken", broken, len(invariants))
	}
	return nil
}
