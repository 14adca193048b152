package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/journal"
)

// reasonOutage marks failures of the database before any message was at fault.
const reasonOutage = "DATABASE_UNAVAILABLE"

// Processor makes the effects of messages in a database, each once, and says what is to become of the deliveries. It
// knows no transport: a simulation can drive real handlers with any order, repetition and crash.
type Processor struct {
	consumer Consumer
	db       *database.DB
	routes   map[string]*Route // by subject without its last token
	tracing  tracing
}

// NewProcessor checks the consumer's declaration.
func NewProcessor(c Consumer, db *database.DB) (*Processor, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Processor{consumer: c, db: db, routes: make(map[string]*Route, len(c.Routes)), tracing: newTracing(nil, db)}
	for i := range c.Routes {
		p.routes[strings.TrimSuffix(c.Routes[i].pattern, ".*")] = &c.Routes[i]
	}
	return p, nil
}

// task is a message on its way through the processor.
type task struct {
	at    int // its place among the messages given
	msg   *Message
	route *Route
	ev    Event
}

// Process handles the messages in one transaction, in order, each event id once; when that fails, each message in a
// transaction of its own. The outcomes stand in the order of the messages; an Ack means that the effect is committed.
// The delivery count is looked at before handling: a message that was handed out more often than its tries allow is set aside
// unseen.
func (p *Processor) Process(ctx context.Context, msgs []Message) []Outcome {
	outcomes := make([]Outcome, len(msgs))
	tasks := make([]task, 0, len(msgs))
	for i := range msgs {
		t, err := p.prepare(&msgs[i])
		if err != nil {
			outcomes[i] = p.settle(err, t)
			continue
		}
		t.at = i
		tasks = append(tasks, t)
	}
	if len(tasks) == 0 {
		return outcomes
	}
	outage, err := p.commit(ctx, tasks)
	if err == nil {
		return outcomes // Ack is the zero value
	}
	if outage || len(tasks) == 1 {
		for _, t := range tasks {
			outcomes[t.at] = p.settle(err, t)
		}
		return outcomes
	}
	for i := range tasks {
		if err == nil || !outage {
			outage, err = p.commit(ctx, tasks[i:i+1])
		}
		if err != nil {
			outcomes[tasks[i].at] = p.settle(err, tasks[i])
		}
	}
	return outcomes
}

// Takes says whether one of the consumer's routes takes the subject.
func (p *Processor) Takes(subject string) bool { return p.route(subject) != nil }

func (p *Processor) route(subject string) *Route {
	return p.routes[subject[:max(strings.LastIndexByte(subject, '.'), 0)]]
}

func (p *Processor) settle(err error, t task) Outcome {
	return settle(err, t.msg, p.consumer.Tries, t.route != nil && t.route.unlimited, p.consumer.Backoff)
}

func (p *Processor) prepare(m *Message) (task, error) {
	t := task{msg: m}
	if m.Deliveries > p.consumer.Tries {
		return t, Permanent(ErrUnfinished)
	}
	t.route = p.route(m.Subject)
	if t.route == nil {
		// A newer replica may have added a route that this one doesn't know: the message comes round to it.
		return t, fmt.Errorf("consumer %s has no route for %s", p.consumer.Name, m.Subject)
	}
	decoded := t.route.blank()
	if err := proto.Unmarshal(m.Data, decoded); err != nil {
		return t, Permanent(unreadable(t.route.typeName, err))
	}
	t.ev = m.event(decoded)
	return t, nil
}

// commit makes the effects of the tasks in one transaction. outage says that the database failed before any handler
// ran, so that trying the messages one by one is pointless.
func (p *Processor) commit(ctx context.Context, tasks []task) (outage bool, err error) {
	ids := make([]string, 0, len(tasks))
	seen := make(map[string]struct{}, len(tasks))
	for _, t := range tasks {
		if _, ok := seen[t.ev.ID]; !ok {
			seen[t.ev.ID] = struct{}{}
			ids = append(ids, t.ev.ID)
		}
	}
	reached := false
	err = p.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		fresh, err := journal.Fresh(ctx, tx, p.consumer.Name, ids)
		if err != nil {
			return err
		}
		reached = true
		first := tasks[:0:0]
		for _, t := range tasks {
			if fresh[t.ev.ID] {
				fresh[t.ev.ID] = false // what follows repeats it
				first = append(first, t)
			}
		}
		return p.handle(ctx, tx, first)
	})
	switch {
	case err == nil:
		return false, nil
	case len(tasks) == 1 && reached && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return false, fault.Internal("HANDLER_TOO_SLOW", "The handler did not come to an end in time: %v", err)
	case !reached || ctx.Err() != nil:
		return true, fault.Unavailable(reasonOutage, "The database did not take the messages.").WithCause(err)
	default:
		return false, err
	}
}

// handle makes the effects of tasks that are new to the inbox.
func (p *Processor) handle(ctx context.Context, tx *database.Tx, tasks []task) error {
	if p.consumer.Batch != nil && len(tasks) > 0 {
		return p.handleBatch(ctx, tx, tasks)
	}
	for _, t := range tasks {
		ctx, end := p.tracing.start(ctx, p.consumer.Name, t.ev)
		err := guard(func() error { return t.route.handle(ctx, tx, t.ev) })
		end(err)
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Processor) handleBatch(ctx context.Context, tx *database.Tx, tasks []task) error {
	events := make([]Event, len(tasks))
	for i, t := range tasks {
		events[i] = t.ev
	}
	ctx, end := p.tracing.startBatch(ctx, p.consumer.Name, events)
	err := guard(func() error { return p.consumer.Batch(ctx, tx, events) })
	end(err)
	return err
}
