package sim_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

var (
	seeds    = flag.Int("sim.seeds", fromEnvironment(8), "how many runs to simulate, with the seeds from 1 on")
	only     = flag.Uint64("sim.seed", 0, "simulate the run of this seed alone")
	verbose  = flag.Bool("sim.trace", false, "print everything that happens")
	logs     = flag.Bool("sim.log", false, "print what the services log")
	attempts = flag.Int("sim.orders", 12, "how many orders customers try to place in a run")
)

func fromEnvironment(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("TAPROOM_SIM_SEEDS")); err == nil { //nolint:forbidigo // no command reads it for tests
		return n
	}
	return otherwise
}

// TestNoLostOrderNoLostCentNoOversoldBottle is the simulation.
func TestNoLostOrderNoLostCentNoOversoldBottle(t *testing.T) {
	from, to := uint64(1), uint64(*seeds)
	if *only != 0 {
		from, to = *only, *only
	}
	var all tally
	for seed := from; seed <= to; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			p := simulate(t, seed, dialect.SQLite, sabotage{})
			all.add(p)
			report(t, seed, p)
		})
	}
	t.Log(all.String())
	if *only == 0 && *seeds >= 8 && !t.Failed() {
		all.demand(t)
	}
}

// TestOnPostgreSQL simulates one run on the other database.
func TestOnPostgreSQL(t *testing.T) {
	seed := max(*only, 1)
	report(t, seed, simulate(t, seed, dialect.Postgres, sabotage{}))
}

// simulate runs one seed to its end and keeps what was found wrong in the answer.
func simulate(t *testing.T, seed uint64, kind string, s sabotage) *people {
	p := newPeople(newWorld(t, seed, kind, s), *attempts)
	p.meanwhile = p.whileDriving
	p.chaos()
	p.settle()
	if len(p.broken) == 0 {
		p.audit()
	}
	if len(p.broken) == 0 {
		p.replay()
	}
	return p
}

// report fails the test when something was found wrong.
func report(t *testing.T, seed uint64, p *people) {
	t.Helper()
	if len(p.broken) > 0 || *verbose {
		t.Log("\n" + strings.Join(p.trace, "\n"))
	}
	if len(p.broken) > 0 {
		t.Fatalf("seed %d:\n%s\nRun it again with: go test ./sim -run '^%s$' -sim.seed %d -sim.orders %d", seed, strings.Join(p.broken, "\n"),
			strings.Split(t.Name(), "/")[0], seed, *attempts)
	}
}

// tally counts how orders end, to see that the simulation goes everywhere.
type tally struct {
	ends map[string]int
}

func (a *tally) add(p *people) {
	if a.ends == nil {
		a.ends = make(map[string]int)
	}
	for _, o := range p.allOrders() {
		end := strings.TrimPrefix(o.GetState().String(), "ORDER_STATE_")
		if reason := o.GetCancelReason(); reason != 0 {
			end = strings.TrimPrefix(reason.String(), "CANCEL_REASON_")
		}
		a.ends[end]++
	}
	a.ends["parcels brought back"] += int(p.number("shipping", `SELECT count(*) FROM shipments WHERE state = 'RETURNED'`))
	a.ends["parcels stopped"] += int(p.number("shipping", `SELECT count(*) FROM shipments WHERE state = 'STOPPED'`))
	a.ends["holds voided"] += int(p.number("payment", `SELECT count(*) FROM payments WHERE state = 'VOIDED' AND amount > 0`))
	a.ends["cards refunded"] += int(p.number("payment", `SELECT count(*) FROM payments WHERE state = 'REFUNDED' AND method = 'card'`))
	a.ends["wallets refunded"] += int(p.number("payment", `SELECT count(*) FROM payments WHERE state = 'REFUNDED' AND method = 'wallet'`))
	a.ends["cards charged"] += int(p.number("payment", `SELECT count(*) FROM payments WHERE state = 'CAPTURED' AND method = 'card'`))
}

func (a *tally) String() string { return fmt.Sprintf("orders ended as %v", a.ends) }

// demand fails when a way to end was never taken.
func (a *tally) demand(t *testing.T) {
	for _, end := range []string{"DELIVERED", "CUSTOMER", "STAFF", "OUT_OF_STOCK", "PAYMENT_DECLINED", "TIMEOUT"} {
		require.Positive(t, a.ends[end], "no order ended as %s: %v", end, a.ends)
	}
}

// the broker that all runs share; each reads on from where the one before ended.
var shared struct {
	once sync.Once
	js   jetstream.JetStream
	err  error
	stop func()
}

func broker(t *testing.T) jetstream.JetStream {
	shared.once.Do(func() {
		var dir string
		if dir, shared.err = os.MkdirTemp("", "taproom-sim-"); shared.err != nil { //nolint:usetesting // it outlives the test
			return
		}
		server, conn, err := embedded.NATS(dir, slog.New(slog.DiscardHandler))
		if shared.err = err; err != nil {
			return
		}
		shared.stop = func() {
			_ = embedded.StopNATS(server, conn)
			_ = os.RemoveAll(dir)
		}
		if shared.js, shared.err = jetstream.New(conn); shared.err == nil {
			shared.err = messaging.Reconcile(t.Context(), shared.js, 1)
		}
	})
	require.NoError(t, shared.err)
	return shared.js
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// TestASeedRepeatsItsRun makes sure that a failure can be looked into.
func TestASeedRepeatsItsRun(t *testing.T) {
	for seed := uint64(1); seed <= 2; seed++ {
		var traces [2][]string
		for i := range traces {
			t.Run(fmt.Sprintf("seed=%d/run=%d", seed, i), func(t *testing.T) {
				traces[i] = simulate(t, seed, dialect.SQLite, sabotage{}).trace
			})
		}
		require.Equal(t, traces[0], traces[1])
	}
}
