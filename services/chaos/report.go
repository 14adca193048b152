package chaos

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what came of a disturbance.
type result struct {
	name       string
	began      time.Time
	away       time.Duration // how long the disturbance took
	accepted   time.Duration // after it, until an order was accepted
	settled    time.Duration // after it, until no first try failed any more
	ended      time.Duration // until all orders had come to an end, once nobody bought any more
	calls      int
	refused    int // calls, such as another order before the last one has left the cart
	orders     int // that were placed
	resumed    int // streams
	failures   []failure
	invariants string
	notes      []string
	problems   []string
}

func (r *result) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *result) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// judge adds what customers saw.
func (r *result) judge(d disturbance, seen *tally) {
	r.calls, r.refused, r.orders, r.resumed, r.failures = seen.calls, seen.refused, len(seen.accepted), seen.resumed, seen.failures
	if d.unseen && len(seen.failures) > 0 {
		r.problem("customers saw it: %s; first: %s", kinds(seen.failures), seen.failures[0].message)
	}
	if len(seen.lost) > 0 {
		r.problem("calls that never succeeded: %s; first: %s", kinds(seen.lost), seen.lost[0].message)
	}
	if r.accepted > acceptedWithin {
		r.problem("orders are accepted again after %s only", seconds(r.accepted))
	}
	if r.settled > acceptedWithin {
		r.problem("first tries still failed %s after the part was back", seconds(r.settled))
	}
}

// String is one line for people.
func (r result) String() string {
	text := fmt.Sprintf("%s: %d of %d calls failed at first, accepted again after %s, %d orders at their end after %s, books %s",
		r.name, len(r.failures), r.calls, seconds(r.accepted), r.orders, seconds(r.ended), r.invariants)
	for _, note := range r.notes {
		text += "\n          " + note
	}
	for _, problem := range r.problems {
		text += "\n          BROKEN: " + problem
	}
	return text
}

type report []result

func (r report) broken() bool {
	return slices.ContainsFunc(r, func(one result) bool { return len(one.problems) > 0 })
}

// print writes a line for each disturbance, then what failed and what broke.
func (r report) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nDISTURBANCE\tTOOK\tCALLS\tFAILED\tREFUSED\tACCEPTED AGAIN\tLAST FAILURE\tORDERS\tALL ENDED\tSTREAMS RESUMED\tBOOKS\tVERDICT")
	for _, one := range r {
		verdict := "ok"
		if len(one.problems) > 0 {
			verdict = "BROKEN"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%s\t%d\t%s\t%s\n", one.name, seconds(one.away), one.calls, len(one.failures), one.refused,
			seconds(one.accepted), seconds(one.settled), one.orders, seconds(one.ended), one.resumed, one.invariants, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, one := range r {
		if len(one.failures) > 0 {
			fmt.Fprintf(out, "%s: failed at first: %s\n", one.name, kinds(one.failures))
		}
		if len(one.notes) > 0 {
			fmt.Fprintf(out, "%s: %s\n", one.name, strings.Join(one.notes, "; "))
		}
		for _, problem := range one.problems {
			fmt.Fprintf(out, "%s: BROKEN: %s\n", one.name, problem)
		}
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }
