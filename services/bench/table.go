package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// row is a line of the table.
type row struct {
	database, what, measured, baseline string
	ratio                              float64
	aim                                string
}

// rateRow compares two rates.
func rateRow(database, what string, measured, baseline rate, aim float64) row {
	r := row{
		database: database, what: what, ratio: measured.perSecond() / baseline.perSecond(),
		measured: fmt.Sprintf("%.0f/s", measured.perSecond()), baseline: fmt.Sprintf("%.0f/s", baseline.perSecond()),
	}
	if aim > 0 {
		r.aim = fmt.Sprintf(">= %.1f", aim)
		r.aim += verdict(r.ratio >= aim)
	}
	return r
}

// latencyRow compares two latencies, of which the measured one has an upper limit.
func latencyRow(database, what string, measured, baseline, limit time.Duration) row {
	r := row{
		database: database, what: what, ratio: float64(measured) / float64(baseline),
		measured: milliseconds(measured), baseline: milliseconds(baseline),
	}
	if limit > 0 {
		r.aim = "< " + milliseconds(limit) + verdict(measured < limit)
	}
	return r
}

func verdict(reached bool) string {
	if reached {
		return "  reached"
	}
	return "  missed"
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// notes explain the table.
var notes = []string{
	"32 connections from one client process, answers not compressed; what is compared is measured in turns.",
	"Reads: shop and bare handler both stand behind the edge and the same HTTP server; the bare one returns the shop's own answers.",
	"Accepted: whole PlaceOrder calls through the edge, in bursts of 1,024; in between carts are filled and all is delivered.",
	"Paid, delivered: placed as fast as others get there, some 128 on their way at once, from carts filled before; counted until the last is there.",
	"Live: from an event's time, right before its commit, to its buyer's stream, at 20 orders a second; the baseline streams on the spot.",
}

// printTable writes the rows in columns, and what explains them.
func printTable(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "\ndatabase\twhat\tmeasured\tbaseline\tratio\taim")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%s\n", r.database, r.what, r.measured, r.baseline, r.ratio, r.aim)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, note := range notes {
		fmt.Fprintln(out, note)
	}
	return nil
}
