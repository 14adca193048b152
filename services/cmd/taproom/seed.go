package main

import (
	"context"
	"fmt"

	"github.com/taproom-shop/taproom/services/shop"
)

type seedCmd struct {
	staffFlags
}

// Run fills the shop with the catalogue that comes with the binary. What is there already stays as it is.
func (c *seedCmd) Run(ctx context.Context) error {
	staff, err := c.staff(ctx)
	if err != nil {
		return err
	}
	report, err := shop.Seed(ctx, staff)
	if err != nil {
		return err
	}
	fmt.Printf("%d beers created, %d changed, %d as they were\n", report.Created, report.Updated, report.Unchanged)
	return nil
}
