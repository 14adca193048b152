package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/nats-io/nats.go/jetstream"

	inventoryv1 "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/cluster"
)

// disturbance is something that goes wrong, or is done on purpose, while customers buy.
type disturbance struct {
	name, about string
	unseen      bool // another one does the work meanwhile: no call may fail
	do          func(ctx context.Context, w *world, r *result) error
}

const edge = "edge"

// services in the order of a rolling restart, with what the rest calls first.
var services = []string{"user", "catalog", "inventory", "cart", "order", "payment", "shipping", "courier", "notification", edge}

// replicated services have more than one process.
var replicated = []string{"order", "courier", "notification"}

// disturbances are all that there are.
func disturbances() []disturbance {
	var all []disturbance
	for _, service := range services {
		all = append(all, disturbance{
			name: "kill-" + service, about: "one process of " + service + " is killed", unseen: slices.Contains(replicated, service),
			do: func(ctx context.Context, w *world, r *result) error {
				of := w.cluster.Of(service)
				return w.bounce(ctx, of[w.choice.IntN(len(of))], w.pause(), r)
			},
		})
	}
	for _, service := range detours {
		all = append(all, disturbance{name: "cut-" + service, about: service + " is cut off from NATS", do: func(ctx context.Context, w *world, r *result) error {
			return w.cutOff(ctx, service, r)
		}})
	}
	return append(all,
		disturbance{name: "nats-leader", about: "the NATS server that leads the stream of orders is killed", unseen: true, do: func(ctx context.Context, w *world, r *result) error {
			return w.killLeader(ctx, r)
		}},
		disturbance{name: "nats-node", about: "a NATS server is away for long", unseen: true, do: func(ctx context.Context, w *world, r *result) error {
			nodes := w.of(cluster.NATS)
			return w.bounce(ctx, nodes[w.choice.IntN(len(nodes))], w.long(), r)
		}},
		disturbance{name: "redis", about: "Redis is killed and comes back empty", do: func(ctx context.Context, w *world, r *result) error {
			return w.bounce(ctx, w.cluster.Process("redis"), w.pause(), r)
		}},
		disturbance{name: "consul", about: "Consul is killed", unseen: true, do: func(ctx context.Context, w *world, r *result) error {
			return w.bounce(ctx, w.cluster.Process("consul"), w.pause(), r)
		}},
		disturbance{name: "postgres", about: "PostgreSQL is restarted", do: func(ctx context.Context, w *world, _ *result) error {
			if err := w.cluster.Process("postgres").Stop(); err != nil {
				return err
			}
			return w.cluster.Process("postgres").Start(ctx)
		}},
		disturbance{name: "rolling", about: "each process of a service is replaced by a new one", unseen: true, do: func(ctx context.Context, w *world, _ *result) error {
			return w.roll(ctx)
		}},
	)
}

// Names are the names of all disturbances.
func Names() []string { return named(disturbances()) }

func named(all []disturbance) []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.name
	}
	return names
}

// program is what is disturbed, in the order that the seed chooses.
func (w *world) program() ([]disturbance, error) {
	all := disturbances()
	for _, name := range w.cfg.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no disturbance %q, but %s", name, strings.Join(Names(), ", "))
		}
	}
	if len(w.cfg.Only) > 0 {
		all = slices.DeleteFunc(all, func(d disturbance) bool { return !slices.Contains(w.cfg.Only, d.name) })
	}
	var program []disturbance
	for range w.cfg.Rounds {
		w.choice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		program = append(program, all...)
	}
	return program, nil
}

// pause is how long something that was killed stays away.
func (w *world) pause() time.Duration {
	pause := time.Second + time.Duration(w.choice.IntN(2000))*time.Millisecond
	if w.cfg.Short {
		pause /= 2
	}
	return pause
}

// long is an absence that others must not wait out.
func (w *world) long() time.Duration {
	if w.cfg.Short {
		return 8 * time.Second
	}
	return 30 * time.Second
}

func (w *world) of(kind cluster.Kind) []*cluster.Process {
	return slices.DeleteFunc(w.cluster.Processes(), func(p *cluster.Process) bool { return p.Kind() != kind })
}

// bounce kills a process and starts it again after a pause.
func (w *world) bounce(ctx context.Context, p *cluster.Process, pause time.Duration, r *result) error {
	if err := p.Kill(); err != nil {
		return err
	}
	w.wait(ctx, pause)
	began := time.Now()
	if err := p.Start(ctx); err != nil {
		return err
	}
	r.note("%s was away for %s and then took %s to start", p.Name(), seconds(pause), seconds(time.Since(began)))
	return nil
}

// killLeader bounces the NATS server that leads the stream of orders.
func (w *world) killLeader(ctx context.Context, r *result) error {
	conn, err := w.cluster.ConnectNATS("operator")
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, "ORDERS")
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return err
	}
	if info.Cluster == nil || w.cluster.Process(info.Cluster.Leader) == nil {
		return errors.New("nobody leads the stream of orders")
	}
	return w.bounce(ctx, w.cluster.Process(info.Cluster.Leader), w.pause(), r)
}

// cutOff lets nothing pass between a service and NATS for a while. The service goes on answering reads, and keeps in its
// outbox what it has to tell.
func (w *world) cutOff(ctx context.Context, service string, r *result) error {
	silently := w.choice.IntN(2) == 0
	cut, done := context.WithTimeout(ctx, w.long()/2)
	defer done()
	w.nats[service].cut(silently)
	defer w.nats[service].mend()
	var reads, failed, most int
	var first error
	var work sync.WaitGroup
	work.Go(func() {
		for ; cut.Err() == nil; w.wait(cut, 100*time.Millisecond) {
			reads++
			if err := w.read(ctx, service); err != nil {
				if failed++; first == nil {
					first = err
				}
			}
		}
	})
	var counting error
	for ; cut.Err() == nil; w.wait(cut, 500*time.Millisecond) {
		n, err := w.outbox(ctx, service)
		if most = max(most, n); err != nil {
			counting = err
		}
	}
	work.Wait()
	r.note("%s was cut off (silently: %t), answered %d of %d reads, and kept up to %d events in its outbox", service, silently, reads-failed, reads, most)
	if failed > 0 {
		r.problem("%d of %d reads failed; first: %v", failed, reads, first)
	}
	w.nats[service].mend()
	mended := time.Now()
	err := w.until(ctx, restWithin, func() error {
		n, err := w.outbox(ctx, service)
		if err == nil && n > most/2 {
			err = fmt.Errorf("the outbox of %s does not drain: %d events are left", service, n)
		}
		return err
	})
	r.note("its outbox was half empty after %s", seconds(time.Since(mended)))
	return errors.Join(counting, err)
}

// read asks a service for something.
func (w *world) read(ctx context.Context, service string) error {
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	c := w.customers[0]
	if service == "inventory" {
		_, err := c.inventory.GetStock(ctx, &inventoryv1.GetStockRequest{BeerId: c.beers[0]})
		return err
	}
	_, err := c.orders.ListOrders(ctx, &orderv1.ListOrdersRequest{PageSize: 5})
	return err
}

// outbox counts the events that a service has not published yet.
func (w *world) outbox(ctx context.Context, service string) (n int, err error) {
	db, err := sql.Open("pgx", w.cluster.DatabaseURL(service))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRowContext(ctx, "SELECT count(*) FROM outbox WHERE published_at IS NULL").Scan(&n)
}

// roll replaces every process of every service, one after the other.
func (w *world) roll(ctx context.Context) error {
	for _, service := range services {
		for _, p := range w.cluster.Of(service) {
			var handOver func(*cluster.Process)
			if service == edge {
				handOver = func(next *cluster.Process) { w.front.aim(next.Address()) }
			}
			if err := w.cluster.Replace(ctx, p.Name(), handOver); err != nil {
				return err
			}
		}
	}
	return nil
}
