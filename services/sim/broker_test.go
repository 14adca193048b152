package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

const (
	mostDeliveries = 4  // of one stored message that end without an answer
	mostTries      = 60 // of a message, before the simulation calls it stuck
	outboxBatch    = 1000
)

// subscription is what the broker keeps for a consumer or worker.
type subscription struct {
	service *service
	name    string
	worker  bool
	waiting []*delivery
	heard   []messaging.Message // everything that was ever published for it, each once
	ids     map[string]bool     // of heard
}

// delivery is a message that waits to be handed out.
type delivery struct {
	messaging.Message
	label string
	from  time.Time // not before
}

// takes says whether the consumer or worker takes the subject.
func (s *subscription) takes(subject string) bool {
	if !s.worker {
		return s.service.processors[s.name].Takes(subject)
	}
	for _, msg := range s.work().Events {
		filter, err := event.Filter(msg)
		if err == nil && strings.TrimSuffix(filter, "*") == subject[:strings.LastIndexByte(subject, '.')+1] {
			return true
		}
	}
	return false
}

func (s *subscription) work() *messaging.Worker {
	for i := range s.service.module.Workers {
		if s.service.module.Workers[i].Name == s.name {
			return &s.service.module.Workers[i]
		}
	}
	return nil
}

// spread stores a message for whoever takes it, twice: once for soon, and once for some time.
func (w *world) spread(msg *nats.Msg, sequence uint64) {
	now := w.clock.read()
	label := w.labelOf(msg.Subject)
	if msg.Header.Get(messaging.HeaderType) == event.Type(&eventv1.OrderPlaced{}) {
		w.discover(msg.Data)
	}
	for _, sub := range w.subs {
		if !sub.takes(msg.Subject) {
			continue
		}
		m := messaging.Message{Subject: msg.Subject, Header: msg.Header, Data: msg.Data, Sequence: sequence, Time: now, Deliveries: 1}
		if sub.ids == nil {
			sub.ids = make(map[string]bool)
		}
		if !sub.ids[m.EventID()] {
			sub.ids[m.EventID()] = true
			sub.heard = append(sub.heard, m)
		}
		late := now.Add(w.between(0, 10*time.Second))
		if w.chance(0.3) {
			late = now.Add(w.between(0, 30*time.Minute))
		}
		sub.waiting = append(sub.waiting, &delivery{Message: m, label: label, from: now}, &delivery{Message: m, label: label + "'", from: late})
	}
}

func (w *world) labelOf(subject string) string {
	parts := strings.Split(subject, ".")
	name := strings.Join(parts[1:len(parts)-1], ".")
	return name + "(" + w.called(parts[len(parts)-1], parts[1]) + ")"
}

// publish takes what waits in the outbox of a service to the broker: all of it, or only some, but in order for each
// aggregate. Between storing and marking the process may die.
func (w *world) publish(svc *service, all bool) (published int) {
	pending, err := journal.Pending(context.Background(), svc.db, outboxBatch)
	require.NoError(w.t, err)
	var aggregates []string
	events := make(map[string][]journal.Record)
	for _, r := range pending {
		if events[r.Aggregate] == nil {
			aggregates = append(aggregates, r.Aggregate)
		}
		events[r.Aggregate] = append(events[r.Aggregate], r)
	}
	// Work done side by side leaves its events in any order: only the seed shall decide.
	slices.SortStableFunc(aggregates, func(a, b string) int {
		return strings.Compare(w.labelOf(events[a][0].Subject), w.labelOf(events[b][0].Subject))
	})
	w.rng.Shuffle(len(aggregates), func(i, j int) { aggregates[i], aggregates[j] = aggregates[j], aggregates[i] })
	var chosen []journal.Record
	for _, aggregate := range aggregates {
		n := len(events[aggregate])
		if !all {
			n = w.rng.IntN(n + 1)
		}
		chosen = append(chosen, events[aggregate][:n]...)
	}
	ids := make([]string, len(chosen))
	labels := make([]string, len(chosen))
	dies := !all && w.chance(0.2)
	for i, r := range chosen {
		msg := messaging.Envelope(svc.name, r)
		ids[i], labels[i] = r.ID, w.labelOf(msg.Subject)
		if !dies || !w.sabotage.markBeforePublish {
			w.spread(msg, 0)
		}
	}
	if len(chosen) == 0 {
		return 0
	}
	if dies && !w.sabotage.markBeforePublish {
		w.note("%s publishes and dies before marking: %s", svc.name, strings.Join(labels, " "))
		return len(chosen)
	}
	w.note("%s publishes %s", svc.name, strings.Join(labels, " "))
	require.NoError(w.t, journal.MarkPublished(context.Background(), svc.db, ids, w.clock.read()))
	return len(chosen)
}

// collect takes over what services stored in JetStream itself.
func (w *world) collect() (collected int) {
	for _, name := range realStreams {
		s, err := w.stream.Stream(context.Background(), name)
		require.NoError(w.t, err)
		for last := s.CachedInfo().State.LastSeq; w.read[name] < last; {
			w.read[name]++
			raw, err := s.GetMsg(context.Background(), w.read[name])
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue // a snapshot replaced it
			}
			require.NoError(w.t, err)
			w.spread(&nats.Msg{Subject: raw.Subject, Header: raw.Header, Data: raw.Data}, raw.Sequence)
			collected++
		}
	}
	return collected
}

// due are the places of what may be handed out now.
func (w *world) due(sub *subscription) []int {
	var due []int
	for i, d := range sub.waiting {
		if !d.from.After(w.clock.read()) {
			due = append(due, i)
		}
	}
	return due
}

// deliver hands out some of what waits, in any order. With calm nothing goes wrong on the way.
func (w *world) deliver(sub *subscription, most int, calm bool) (delivered int) {
	due := w.due(sub)
	if len(due) == 0 {
		return 0
	}
	w.rng.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	due = due[:min(len(due), most)]
	if sub.worker {
		due = due[:1]
	}
	taken := make(map[int]bool, len(due))
	batch := make([]*delivery, len(due))
	for i, at := range due {
		batch[i], taken[at] = sub.waiting[at], true
	}
	var rest []*delivery
	for i, d := range sub.waiting {
		if !taken[i] {
			rest = append(rest, d)
		}
	}
	sub.waiting = rest
	w.handOut(sub, batch, calm)
	return len(batch)
}

// handOut delivers a batch and does with it what the outcomes say, unless the process dies.
func (w *world) handOut(sub *subscription, batch []*delivery, calm bool) {
	labels := make([]string, len(batch))
	mayDie := !calm
	for i, d := range batch {
		labels[i] = d.label
		mayDie = mayDie && d.Deliveries < mostDeliveries
	}
	after := 0
	if mayDie && w.chance(0.2) {
		after = 1 + w.rng.IntN(2+2*len(batch))
		if sub.worker {
			after = 1 + w.rng.IntN(12)
		}
	}
	if sub.name == "courier-packages" && !calm && after == 0 {
		w.meanwhile(batch[0])
	}
	var outcomes []messaging.Outcome
	w.note("%s <- %s", sub.name, strings.Join(labels, " "))
	blown := w.fuse.around(context.Background(), after, func(ctx context.Context) { outcomes = w.process(ctx, sub, batch) })
	w.stream.after = nil

	switch {
	case blown && w.sabotage.ackBeforeCommit:
		w.note("%s dies in the middle, having acknowledged", sub.name)
	case blown && w.chance(0.7), mayDie && w.chance(0.1):
		w.note("%s dies, acknowledging nothing", sub.name)
		for _, d := range batch {
			w.again(sub, d, 0)
		}
		if w.chance(0.2) {
			w.restart(sub.service)
		}
	default:
		for i, o := range outcomes {
			w.answer(sub, batch[i], o, calm)
		}
	}
	w.collect()
}

func (w *world) process(ctx context.Context, sub *subscription, batch []*delivery) []messaging.Outcome {
	if sub.worker {
		return []messaging.Outcome{w.runWorker(ctx, sub, batch[0])}
	}
	msgs := make([]messaging.Message, len(batch))
	for i, d := range batch {
		msgs[i] = d.Message
	}
	return sub.service.processors[sub.name].Process(ctx, msgs)
}

// runWorker does for one message what the runner of workers does.
func (w *world) runWorker(ctx context.Context, sub *subscription, d *delivery) messaging.Outcome {
	typ, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(d.Header.Get(messaging.HeaderType)))
	require.NoError(w.t, err)
	msg := typ.New().Interface()
	require.NoError(w.t, proto.Unmarshal(d.Data, msg))
	err = sub.work().Handle(ctx, messaging.Event{
		ID: d.EventID(), Type: event.Type(msg), Subject: d.Subject, Time: d.Time, Header: d.Header, Message: msg, Attempt: d.Earlier + d.Deliveries,
	})
	if err != nil {
		return messaging.Outcome{Action: messaging.Nak, Err: err}
	}
	return messaging.Outcome{}
}

// answer does with a delivery what its outcome says. An acknowledgement may get lost.
func (w *world) answer(sub *subscription, d *delivery, o messaging.Outcome, calm bool) {
	switch o.Action {
	case messaging.Ack:
		if !calm && d.Deliveries < mostDeliveries && w.chance(0.15) {
			w.again(sub, d, w.between(0, time.Minute))
		}
	case messaging.Nak:
		w.note("%s naks %s: %v", sub.name, d.label, o.Err)
		w.again(sub, d, w.between(0, 5*time.Second))
	case messaging.Requeue:
		w.note("%s requeues %s: %v", sub.name, d.label, o.Err)
		d.Earlier += d.Deliveries
		d.Deliveries = 0
		w.again(sub, d, w.between(0, 5*time.Second))
	case messaging.SetAside:
		w.wrong("%s set %s aside: %v", sub.name, d.label, o.Err)
	}
	if d.Earlier+d.Deliveries > mostTries {
		w.wrong("%s does not get through %s: %v", sub.name, d.label, o.Err)
	}
}

// again lets a message come once more after a while.
func (w *world) again(sub *subscription, d *delivery, wait time.Duration) {
	d.Deliveries++
	d.from = w.clock.read().Add(wait)
	sub.waiting = append(sub.waiting, d)
}

// waits says what of the broker's is still to be done.
func (w *world) waits() string {
	var waits []string
	for _, sub := range w.subs {
		for _, d := range sub.waiting {
			waits = append(waits, fmt.Sprintf("%s for %s", d.label, sub.name))
		}
	}
	return strings.Join(waits, ", ")
}
