package sim_test

import (
	"context"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/module"
)

const (
	afterwards = 150              // steps that chaos goes on for when nobody orders any more
	mostSteps  = 3000             // of a run, in case nobody gets to order
	quietTime  = 40 * time.Minute // after which nothing more is expected: longer than any deadline or delay
)

// chaos lets everything happen in any order until the customers have ordered enough, and then for a while.
func (p *people) chaos() {
	for steps, rest := 0, afterwards; rest > 0 && steps < mostSteps; steps++ {
		p.step()
		if p.budget <= 0 {
			rest--
		}
	}
}

// step lets one thing happen.
func (p *people) step() {
	p.pass()
	switch n := p.rng.IntN(1000); {
	case n < 560:
		p.deliverSome(nil)
	case n < 820:
		p.publish(p.withDatabase(), false)
	case n < 930:
		p.runLoop()
	case n < 955:
		p.fill()
	case n < 980 && p.budget > 0:
		p.order()
	case n < 989:
		p.cancel()
	default:
		p.restart(p.services[p.rng.IntN(len(p.services))])
	}
}

// deliverSome delivers to one of those for whom something is due and whom the filter lets through.
func (w *world) deliverSome(filter func(*subscription) bool) {
	var ready []*subscription
	for _, sub := range w.subs {
		if (filter == nil || filter(sub)) && len(w.due(sub)) > 0 {
			ready = append(ready, sub)
		}
	}
	if len(ready) > 0 {
		w.deliver(ready[w.rng.IntN(len(ready))], 1+w.rng.IntN(12), false)
	}
}

func (w *world) withDatabase() *service {
	for {
		if svc := w.services[w.rng.IntN(len(w.services))]; svc.db != nil {
			return svc
		}
	}
}

// steps are the loops that can be taken step by step.
func (w *world) steps() (steps []module.Loop) {
	for _, svc := range w.services {
		for _, loop := range svc.module.Loops {
			if loop.Step != nil {
				steps = append(steps, loop)
			}
		}
	}
	return steps
}

// runLoop takes one step of a service's background work, which may be cut short.
func (w *world) runLoop() {
	steps := w.steps()
	loop := steps[w.rng.IntN(len(steps))]
	after := 0
	if w.chance(0.25) {
		after = 1 + w.rng.IntN(8)
	}
	if loop.Name == "intents" && w.number("payment", `SELECT count(*) FROM intents WHERE open AND next_attempt_at <= ?`, w.clock.read()) > 1 {
		after = 0 // they are carried out side by side: which of them it would hit is not for the seed to say
	}
	var err error
	blown := w.fuse.around(context.Background(), after, func(ctx context.Context) { _, err = loop.Step(ctx) })
	w.note("loop %s, cut short: %t", loop.Name, blown)
	if err != nil && !blown {
		w.wrong("loop %s: %v", loop.Name, err)
	}
}

// whileDriving has things happen while the next courier drives: the customer may want to cancel still, and the parcel may be
// recalled.
func (p *people) whileDriving(parcel *delivery) {
	ready := &eventv1.PackageReady{}
	require.NoError(p.t, proto.Unmarshal(parcel.Data, ready))
	p.stream.after = func() {
		if !p.chance(0.4) {
			return
		}
		p.depth++
		defer func() { p.depth-- }()
		if at := p.known(ready.GetOrderId()); at >= 0 && p.chance(0.3) {
			p.customerCancels(p.orders[at])
		}
		if p.chance(0.3) {
			p.staffCancels(ready.GetOrderId(), true)
		}
		for range p.rng.IntN(8) {
			p.pass()
			if p.chance(0.4) {
				p.publish(p.service("order"), p.chance(0.5))
			} else {
				p.deliverSome(func(sub *subscription) bool { return sub.service.name == "shipping" })
			}
		}
	}
}

// known is where an order is among those that became known; -1 if it did not.
func (w *world) known(orderID string) int {
	return slices.IndexFunc(w.orders, func(o *eventv1.OrderPlaced) bool { return o.GetOrderId() == orderID })
}

// settle lets everything come to rest: nothing goes wrong any more, and time goes by.
func (p *people) settle() {
	p.note("calm")
	for quiet := time.Duration(0); quiet < quietTime; {
		wait := time.Second
		if p.round() == 0 {
			wait = 2 * time.Minute
			quiet += wait
		} else {
			quiet = 0
		}
		p.clock.advance(wait)
		if len(p.broken) > 0 {
			return
		}
	}
}

// round does everything that can be done now.
func (p *people) round() (done int) {
	for _, svc := range p.services {
		if svc.db != nil {
			done += p.publish(svc, true)
		}
	}
	for _, sub := range p.subs {
		for n := 1; n > 0 && len(p.broken) == 0; {
			n = p.deliver(sub, 1+p.rng.IntN(40), true)
			done += n
		}
	}
	for _, loop := range p.steps() {
		for more := true; more; {
			var err error
			if more, err = loop.Step(context.Background()); err != nil {
				p.wrong("loop %s: %v", loop.Name, err)
				return done
			}
		}
	}
	return done + p.collect()
}
