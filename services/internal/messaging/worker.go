package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/event"
)

// Worker handles events whose effects live outside a database, at least once each: Handle must bear repeats, such as by
// publishing under ids that derive from the event's. While Handle runs the server is told that work is in progress, for
// as long as it takes; the acknowledgement comes last and is waited for.
type Worker struct {
	Name        string // durable, `<service>-<stream in lower case>`
	Stream      string
	Events      []proto.Message // one of each type that it takes; nil pointers do
	Subjects    []string        // for what has no event option, such as `taproom.cart.*`
	Handle      func(ctx context.Context, ev Event) error
	Concurrency int // events handled at once by this replica; 0 means 1. A replay may come on top.

	Unlimited bool          // never out of tries, as the route option of the same name
	Tries     int           // deliveries before a failing message is set aside, at least 2; 0 means 8
	AckWait   time.Duration // silence after which a message is handed out again; 0 means 30 s
	Backoff   Backoff       // zero means 100 ms growing to 30 s
}

func (w Worker) withDefaults() (Worker, error) {
	w.Concurrency = orDefault(w.Concurrency, 1)
	w.Tries = orDefault(w.Tries, defaultTries)
	w.AckWait = orDefault(w.AckWait, defaultAckWait)
	w.Backoff = w.Backoff.withDefaults()
	errs := []error{checkName(w.Name)}
	w.Subjects = slices.Clone(w.Subjects)
	for _, msg := range w.Events {
		subject, err := event.Filter(msg)
		errs = append(errs, err)
		w.Subjects = append(w.Subjects, subject)
	}
	if w.Stream == "" || len(w.Subjects) == 0 || w.Handle == nil {
		errs = append(errs, fmt.Errorf("worker %s needs a stream, events and a handler", w.Name))
	}
	if w.Tries < 2 || w.Concurrency < 1 {
		errs = append(errs, fmt.Errorf("worker %s: at least 2 tries and 1 event at once", w.Name))
	}
	return w, errors.Join(errs...)
}

// Work runs a worker until ctx is done. What is being handled then has its context cancelled and goes to another
// worker at once. It returns an error only for a wrong declaration.
func (r Runner) Work(ctx context.Context, w Worker) error {
	w, err := w.withDefaults()
	if err != nil {
		return err
	}
	log := r.Log.With(slog.String("worker", w.Name))
	run := &workRun{
		worker:   w,
		log:      log,
		tracing:  newTracing(r.Tracing, nil),
		answerer: answerer{js: r.JetStream, log: log, consumer: w.Name, backoff: w.Backoff},
	}
	return r.attach(ctx, log, durable{name: w.Name, stream: w.Stream, subjects: w.Subjects, ackWait: w.AckWait}, run.consume)
}

type workRun struct {
	worker   Worker
	log      *slog.Logger
	tracing  tracing
	answerer answerer
}

const (
	pullWait = 20 * time.Second // how long one request for a message stays open
	// handOverAfter is how long a stopping worker has the server keep what it gives back: at once, the server would give it
	// to one of the worker's own requests, which are just ending, and then wait for an answer that never comes. Also the
	// server writes only delayed returns to disk: an embedded one that stops next would forget any other.
	handOverAfter = 500 * time.Millisecond
)

// consume takes one message at a time in each of its hands, so that none waits here while another worker is idle.
func (w *workRun) consume(ctx context.Context, live, replay jetstream.Consumer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var hands sync.WaitGroup
	for range w.worker.Concurrency {
		hands.Go(func() { cancel(w.pull(ctx, live)) })
	}
	hands.Go(func() { cancel(w.pull(ctx, replay)) })
	hands.Wait()
	return context.Cause(ctx)
}

func (w *workRun) pull(ctx context.Context, consumer jetstream.Consumer) error {
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, pullWait)
		msg, err := consumer.Next(jetstream.FetchContext(request))
		cancel()
		switch {
		case err == nil:
			w.handle(ctx, msg)
		case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		case ctx.Err() != nil:
		default:
			return err
		}
	}
	return context.Cause(ctx)
}

func (w *workRun) handle(ctx context.Context, msg jetstream.Msg) {
	d, err := receive(msg)
	if err != nil {
		w.log.WarnContext(ctx, "not a JetStream message", slog.String("subject", msg.Subject()), slog.Any("error", err))
		return
	}
	if ctx.Err() != nil {
		_ = msg.NakWithDelay(handOverAfter)
		return
	}
	stop := keepInProgress([]delivery{d}, w.worker.AckWait)
	err = w.try(ctx, d)
	stop()
	outcome := Outcome{}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		outcome = Outcome{Action: Nak, Delay: handOverAfter, Err: err} // the service stops: another worker takes over
	default:
		outcome = settle(err, &d.Message, w.worker.Tries, w.worker.Unlimited, w.worker.Backoff)
	}
	w.answerer.answer(ctx, d, outcome, true)
}

func (w *workRun) try(ctx context.Context, d delivery) error {
	if d.Deliveries > w.worker.Tries {
		return Permanent(ErrUnfinished)
	}
	msg, err := decode(d.Header, d.Data)
	if err != nil {
		return Permanent(err)
	}
	ev := d.event(msg)
	ctx, end := w.tracing.start(ctx, w.worker.Name, ev)
	err = guard(func() error { return w.worker.Handle(ctx, ev) })
	end(err)
	return err
}
