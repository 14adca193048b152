package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// bench measures one shop.
type bench struct {
	*runCmd
	time             durations
	database, folder string
	shop             *shop
	plain            *plainOrders

	bareURL   string
	market    *market
	plainRate rate
	rows      []row
}

// part is some rows.
type part struct {
	name string
	run  func(ctx context.Context) error
}

func (b *bench) run(ctx context.Context) (err error) {
	shopCatalogue := newCatalogue(b.shop.url)
	beer, beers, err := shopCatalogue.samples(ctx)
	if err != nil {
		return err
	}
	bareURL, stop, err := startBare(ctx, b.folder, beer, beers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	b.bareURL = bareURL
	if b.market, err = newMarket(ctx, b.shop); err != nil {
		return err
	}
	for _, part := range []part{
		{"catalogue", func(ctx context.Context) error {
			rows, err := measureCatalogue(ctx, b.time.reads, b.database, shopCatalogue, newCatalogue(bareURL))
			b.rows = append(b.rows, rows...)
			return err
		}},
		{"accepted", b.measureAccepted},
		{"flow", b.measureFlows},
		{"live", b.measureLive},
	} {
		if b.Only != "all" && b.Only != part.name {
			continue
		}
		began := time.Now()
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Fprintf(os.Stderr, "%s: %s took %s\n", b.database, part.name, time.Since(began).Round(time.Second))
	}
	return nil
}

func (b *bench) measureAccepted(ctx context.Context) error {
	customers, err := b.market.newcomers(ctx, burst)
	if err != nil {
		return err
	}
	accepted, plain, err := measureAccepted(ctx, b.time.accepted, b.market, customers, b.plain)
	b.plainRate = plain
	b.rows = append(b.rows, rateRow(b.database, "orders accepted, against a plain transaction", accepted, plain, 0.3))
	return err
}

const (
	mostCarried = 0.15  // of the plain transactions in the same time: half as much again as the aim
	mostCarts   = 6_000 // filled for a flow, which takes longer than the flow; one that runs out of them ends early
)

// measureFlows needs a customer with a filled cart for each order.
func (b *bench) measureFlows(ctx context.Context) (err error) {
	if b.plainRate.count == 0 {
		if b.plainRate, err = b.plain.measure(ctx, b.time.reads); err != nil {
			return err
		}
	}
	for _, goal := range []struct {
		state string
		time  time.Duration
		aim   float64
	}{{"PAID", b.time.flow, 0.1}, {"DELIVERED", b.time.flow / 2, 0}} {
		carts := min(mostCarts, int(mostCarried*b.plainRate.perSecond()*goal.time.Seconds()))
		customers, err := b.market.newcomers(ctx, carts)
		if err != nil {
			return err
		}
		if err := b.market.fillCarts(ctx, customers); err != nil {
			return err
		}
		f, err := measureFlow(ctx, goal.time, b.market, customers, goal.state)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("orders from placed to %s (median takes %s at first, %s at last)", goal.state, milliseconds(f.early), milliseconds(f.late))
		b.rows = append(b.rows, rateRow(b.database, what, f.carried, b.plainRate, goal.aim))
	}
	return nil
}

func (b *bench) measureLive(ctx context.Context) error {
	customers, err := b.market.newcomers(ctx, buyers)
	if err != nil {
		return err
	}
	heard, err := measureLive(ctx, b.time.live, b.market, customers)
	if err != nil {
		return err
	}
	bare, err := measureBareLive(ctx, b.time.live, b.bareURL)
	if err != nil {
		return err
	}
	b.rows = append(b.rows,
		latencyRow(b.database, "live update, p50", heard.quantile(0.5), bare.quantile(0.5), 0),
		latencyRow(b.database, "live update, p99", heard.quantile(0.99), bare.quantile(0.99), liveLimit))
	return nil
}
