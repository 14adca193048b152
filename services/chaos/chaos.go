// Package chaos disturbs a running cluster, one thing after the other, while customers buy, and looks after each
// disturbance whether the shop works as before and nothing was lost.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	"github.com/taproom-shop/taproom/services/cluster"
	"github.com/taproom-shop/taproom/services/user"
)

// ErrBroken says that the shop did not bear a disturbance. The report says how.
var ErrBroken = errors.New("the shop did not bear all of it")

const (
	acceptedWithin = 10 * time.Second // of the return of a part
	lead           = 2 * time.Second  // how long customers buy before a disturbance and after it
)

// Config says what to disturb.
type Config struct {
	// Root, Data and Taproom are as in cluster.Config.
	Root, Data, Taproom string
	// Seed decides on the order of disturbances and on what customers choose.
	Seed uint64
	// Rounds is how often each disturbance comes.
	Rounds int
	// Only names the disturbances, see Names; none: all of them.
	Only []string
	// Short shortens pauses, for when time matters more than thoroughness.
	Short bool
	// Customers is how many people buy.
	Customers int
	// Rate is how many orders they place a second, together.
	Rate float64
}

// flags make the shop as fast as customers here want it, and let them all come from one address.
var flags = []string{
	"--edge-rate=0", "--edge-streams=0", "--shipping-assembly-time=100ms", "--courier-step-time=100ms", "--payment-card-delay=50ms",
	"--user-hash-memory-ki-b=8", "--user-hash-passes=1",
}

// detours are the services that reach NATS through a proxy, which can be cut.
var detours = []string{"inventory", "order"}

// world is the cluster with those who buy in it.
type world struct {
	cfg       Config
	out       io.Writer
	began     time.Time
	cluster   *cluster.Cluster
	front     *proxy            // to the edge, as a load balancer
	nats      map[string]*proxy // by service
	customers []*customer
	staff     *person
	tally     *tally
	turnstile sync.RWMutex // customers hold it while they buy
	choice    *rand.Rand
}

// Run starts a cluster, disturbs it and stops it. It prints to out what it does and a report. The error is ErrBroken when the
// shop did not bear it.
func Run(ctx context.Context, cfg Config, out io.Writer, log *slog.Logger) (err error) {
	w := &world{cfg: cfg, out: out, began: time.Now(), tally: new(tally), choice: rand.New(rand.NewPCG(cfg.Seed, 0))} //nolint:gosec // to be repeated
	program, err := w.program()
	if err != nil {
		return err
	}
	w.say("seed %d: %s", cfg.Seed, strings.Join(named(program), ", "))
	stop, err := w.open(ctx, log)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	shopping, leave := context.WithCancel(ctx)
	var visitors sync.WaitGroup
	for _, c := range w.customers {
		visitors.Go(func() { c.live.follow(shopping, c.person, w.tally) })
		visitors.Go(func() { c.shop(shopping, w.pace(), &w.turnstile) })
	}
	defer visitors.Wait()
	defer leave()

	var report report
	for _, d := range program {
		if ctx.Err() != nil {
			break
		}
		report = append(report, w.disturb(ctx, d))
	}
	if err := report.print(out); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if report.broken() {
		return fmt.Errorf("%w: repeat it with --seed=%d", ErrBroken, cfg.Seed)
	}
	return nil
}

// pace is the time between two orders of a customer.
func (w *world) pace() time.Duration {
	return time.Duration(float64(w.cfg.Customers) / w.cfg.Rate * float64(time.Second))
}

// open starts the cluster and lets the customers in. stop ends what was started, whatever came of it.
func (w *world) open(ctx context.Context, log *slog.Logger) (stop func() error, err error) {
	w.nats = make(map[string]*proxy)
	stop = func() error {
		var err error
		if w.cluster != nil {
			err = w.cluster.Stop()
		}
		for _, p := range w.nats {
			p.close()
		}
		if w.front != nil {
			w.front.close()
		}
		return err
	}
	for _, service := range detours {
		if w.nats[service], err = newProxy(); err != nil {
			delete(w.nats, service)
			return stop, err
		}
	}
	w.cluster, err = cluster.Start(ctx, cluster.Config{
		Root: w.cfg.Root, Data: w.cfg.Data, Taproom: w.cfg.Taproom, Demo: true, Flags: flags, NATS: w.detour,
	}, log)
	if err != nil {
		return stop, err
	}
	if _, err := w.cluster.Demo(ctx); err != nil {
		return stop, err
	}
	w.say("the cluster runs; its logs are in %s", w.cluster.Logs())
	if w.front, err = newProxy(); err == nil {
		err = w.front.aimAt(w.cluster.URL())
	}
	if err != nil {
		return stop, err
	}
	return stop, w.letIn(ctx)
}

// detour is the way of a service to NATS.
func (w *world) detour(service, url string) string {
	p := w.nats[service]
	if p == nil || p.aimAt(url) != nil {
		return url
	}
	return "nats://" + p.address()
}

// letIn has customers open accounts, and fills the shelves.
func (w *world) letIn(ctx context.Context) error {
	w.staff = newPerson("http://" + w.front.address())
	if err := w.signInStaff(ctx); err != nil {
		return err
	}
	beers, err := w.fill(ctx)
	if err != nil {
		return err
	}
	for i := range w.cfg.Customers {
		c := &customer{
			person: newPerson("http://" + w.front.address()), tally: w.tally, beers: beers, live: &live{ends: make(map[string]int)},
			choice: rand.New(rand.NewPCG(w.cfg.Seed, uint64(i)+1)), //nolint:gosec // to be repeated
		}
		number := ""
		if i%2 == 1 {
			number = cards[i/2%len(cards)]
		}
		if err := c.join(ctx); err != nil {
			return err
		}
		if err := c.pay(ctx, number); err != nil {
			return err
		}
		w.customers = append(w.customers, c)
	}
	w.say("%d customers place %.3g orders a second", w.cfg.Customers, w.cfg.Rate)
	return nil
}

// fill puts plenty of some beers on the shelves.
func (w *world) fill(ctx context.Context) (beers []string, err error) {
	res, err := insist(ctx, w.tally, "ListBeers", w.staff.catalog.ListBeers, &catalogv1.ListBeersRequest{PageSize: 6})
	if err != nil {
		return nil, err
	}
	req := &inventoryv1.AdjustStockRequest{RequestId: newID(), Kind: inventoryv1.MovementKind_MOVEMENT_KIND_RECEIVED}
	for _, beer := range res.GetBeers() {
		beers = append(beers, beer.GetId())
		req.Adjustments = append(req.Adjustments, &inventoryv1.StockAdjustment{BeerId: beer.GetId(), Delta: 500_000})
	}
	_, err = insist(ctx, w.tally, "AdjustStock", w.staff.inventoryAdmin.AdjustStock, req)
	return beers, err
}

// account is that of the demo's member of staff.
func (w *world) account() (user.DemoAccount, error) {
	return user.DemoStaff(filepath.Join(w.cfg.Data, "secrets"))
}

// disturb does one thing and looks what came of it.
func (w *world) disturb(ctx context.Context, d disturbance) result {
	w.tally.take()
	w.wait(ctx, lead)
	w.say("%s: %s", d.name, d.about)
	r := result{name: d.name, began: time.Now()}
	err := d.do(ctx, w, &r)
	back := time.Now()
	r.away = back.Sub(r.began)
	if err != nil {
		r.problem("%v", err)
	}
	for again := false; !again; {
		var first time.Time
		if first, again = w.tally.acceptedSince(back); again {
			r.accepted = first.Sub(back)
		} else if time.Since(back) > insistWithin || ctx.Err() != nil {
			r.problem("no order is accepted again")
			break
		}
		w.wait(ctx, 20*time.Millisecond)
	}
	w.wait(ctx, lead)
	w.audit(ctx, &r)
	seen := w.tally.take()
	if last := seen.lastFailure(); last.After(back) {
		r.settled = last.Sub(back)
	}
	r.judge(d, seen)
	w.say("%s", r)
	return r
}

func (w *world) wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// say tells what happens, with the time since the start.
func (w *world) say(format string, args ...any) {
	fmt.Fprintf(w.out, "%7.1fs  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}
