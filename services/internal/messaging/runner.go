package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	batchSize     = 100             // messages in one transaction
	prefetch      = 2 * batchSize   // messages that may wait in this process
	maxAckPending = 2000            // messages handed out and not yet answered, over all replicas, delayed ones included
	suspectAfter  = 2               // deliveries after which a message is handled alone
	finishTime    = 5 * time.Second // what a batch may still take when the service stops
	longestPause  = 5 * time.Second // between attempts to attach
)

// Runner runs the consumers and workers of a service.
type Runner struct {
	JetStream jetstream.JetStream
	DB        *database.DB // for consumers; a service of workers alone has none
	Log       *slog.Logger
	Tracing   trace.TracerProvider // nil means OpenTelemetry's global one
}

// Consume runs a consumer until ctx is done and returns nil once its last batch is answered. It returns an error at once
// only for a wrong declaration; everything else is logged and tried again.
func (r Runner) Consume(ctx context.Context, c Consumer) error {
	p, err := NewProcessor(c, r.DB)
	if err != nil {
		return err
	}
	p.tracing = newTracing(r.Tracing)
	c = p.consumer
	log := r.Log.With("consumer", c.Name)
	run := &batchRun{
		processor: p,
		log:       log,
		answerer:  answerer{js: r.JetStream, log: log, consumer: c.Name, backoff: c.Backoff},
	}
	return r.attach(ctx, log, durable{name: c.Name, stream: c.Stream, subjects: c.subjects(), ackWait: c.AckWait}, run.consume)
}

// durable is what a consumer or worker needs the server to keep.
type durable struct {
	name, stream string
	subjects     []string
	ackWait      time.Duration
}

// ensure makes the durable consumer of the stream, and the one that takes replays meant for it alone.
func (d durable) ensure(ctx context.Context, js jetstream.JetStream) (live, replay jetstream.Consumer, err error) {
	config := jetstream.ConsumerConfig{
		Durable:        d.name,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        d.ackWait,
		MaxDeliver:     -1, // the tries are counted here
		MaxAckPending:  maxAckPending,
		FilterSubjects: d.subjects,
	}
	if live, err = js.CreateOrUpdateConsumer(ctx, d.stream, config); err != nil {
		return nil, nil, fmt.Errorf("consumer %s on %s: %w", d.name, d.stream, err)
	}
	config.FilterSubjects = []string{subjectReplay + d.name}
	if replay, err = js.CreateOrUpdateConsumer(ctx, StreamReplay, config); err != nil {
		return nil, nil, fmt.Errorf("consumer %s on %s: %w", d.name, StreamReplay, err)
	}
	return live, replay, nil
}

// attach keeps consume going on both consumers, called anew whenever it ends, until ctx is done.
func (r Runner) attach(ctx context.Context, log *slog.Logger, d durable, consume func(ctx context.Context, live, replay jetstream.Consumer) error) error {
	backoff := Backoff{Base: 50 * time.Millisecond, Cap: longestPause}
	for failures := 1; ctx.Err() == nil; failures++ {
		started := time.Now()
		live, replay, err := d.ensure(ctx, r.JetStream)
		if err == nil {
			err = consume(ctx, live, replay)
		}
		if ctx.Err() != nil {
			break
		}
		if time.Since(started) > 2*longestPause {
			failures = 1
		}
		log.WarnContext(ctx, "consumer is not attached and will be tried again", "error", err)
		sleep(ctx, backoff.after(failures))
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// batchRun is the running of a consumer with a database.
type batchRun struct {
	processor *Processor
	log       *slog.Logger
	answerer  answerer
}

var (
	errDetached = errors.New("the server ended the pull")
	errOutage   = errors.New("the database is away; messages wait at the server")
)

// consume handles what arrives until ctx is done, the pull ends or the database is away. The server pushes what it has into open requests, so a
// single message is handled as it arrives, and what piles up while a batch is committed makes the next batch.
func (b *batchRun) consume(ctx context.Context, live, replay jetstream.Consumer) error {
	if err := b.processor.db.Ping(ctx); err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, batchSize)
	closing := make(chan struct{})
	var pulls []jetstream.ConsumeContext
	defer func() { b.detach(ctx, pulls, arrived) }()
	defer close(closing)

	onError := jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		b.log.WarnContext(ctx, "pulling messages", "error", err)
	})
	for _, consumer := range []jetstream.Consumer{live, replay} {
		pull, err := consumer.Consume(func(msg jetstream.Msg) {
			select {
			case arrived <- msg:
			case <-closing:
				b.giveBack(ctx, msg)
			}
		}, jetstream.PullMaxMessages(prefetch), onError)
		if err != nil {
			return err
		}
		pulls = append(pulls, pull)
	}
	liveEnded, replayEnded := pulls[0].Closed(), pulls[1].Closed()
	batch := make([]delivery, 0, batchSize)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-liveEnded:
			return errDetached
		case <-replayEnded:
			return errDetached
		case msg := <-arrived:
			batch = b.add(batch[:0], msg)
		}
		for waiting := true; waiting && len(batch) < batchSize; {
			select {
			case msg := <-arrived:
				batch = b.add(batch, msg)
			default:
				waiting = false
			}
		}
		if !b.handle(ctx, batch) {
			return errOutage
		}
	}
}

func (b *batchRun) add(batch []delivery, msg jetstream.Msg) []delivery {
	d, err := receive(msg)
	if err != nil {
		b.log.Warn("not a JetStream message", "subject", msg.Subject(), "error", err)
		return batch
	}
	return append(batch, d)
}

// detach ends the pulls and gives back what was pulled and not handled.
func (b *batchRun) detach(ctx context.Context, pulls []jetstream.ConsumeContext, arrived <-chan jetstream.Msg) {
	for _, pull := range pulls {
		pull.Drain()
	}
	for _, pull := range pulls {
		select {
		case <-pull.Closed():
		case <-time.After(finishTime):
		}
	}
	for {
		select {
		case msg := <-arrived:
			b.giveBack(ctx, msg)
		default:
			return
		}
	}
}

// giveBack returns a message unhandled, so that another replica gets it without waiting for AckWait.
func (b *batchRun) giveBack(ctx context.Context, msg jetstream.Msg) {
	d, err := receive(msg)
	if err != nil {
		return
	}
	c := b.processor.consumer
	b.answerer.giveBack(ctx, d, settle(context.Canceled, &d.Message, c.Tries, false, c.Backoff).Action)
}

// handle takes a batch through the processor. A message that was handed out several times without an answer may be one
// that kills the process: such suspects go alone, after the others are safe, each answered before the next. Their order is
// random, so that the same neighbours don't stand behind the killer in every life of the process. It says whether the database takes messages.
func (b *batchRun) handle(ctx context.Context, batch []delivery) bool {
	var suspects []delivery
	fit := batch[:0]
	for _, d := range batch {
		if d.Deliveries > suspectAfter {
			suspects = append(suspects, d)
		} else {
			fit = append(fit, d)
		}
	}
	ok := b.process(ctx, fit, len(suspects) > 0)
	rand.Shuffle(len(suspects), func(i, j int) { suspects[i], suspects[j] = suspects[j], suspects[i] })
	for i := range suspects {
		ok = b.process(ctx, suspects[i:i+1], true) && ok
	}
	return ok
}

func (b *batchRun) process(ctx context.Context, batch []delivery, wait bool) (ok bool) {
	if len(batch) == 0 {
		return true
	}
	msgs := make([]Message, len(batch))
	for i, d := range batch {
		msgs[i] = d.Message
	}
	work, done := b.workContext(ctx)
	stop := keepInProgress(batch, b.processor.consumer.AckWait)
	outcomes := b.processor.Process(work, msgs)
	stop()
	done()

	ok = true
	var answers sync.WaitGroup
	for i, o := range outcomes {
		ok = ok && fault.ReasonOf(o.Err) != reasonOutage
		if o.Action == Ack && !wait {
			b.answerer.answer(ctx, batch[i], o, false)
			continue
		}
		answers.Go(func() { b.answerer.answer(ctx, batch[i], o, wait) })
	}
	answers.Wait()
	return ok
}

// workContext ends a batch before the server would hand it out again, and soon after the service is told to stop.
func (b *batchRun) workContext(ctx context.Context) (context.Context, func()) {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.processor.consumer.AckWait*2/3)
	var timer *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(finishTime, cancel)
	})
	return work, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}

// keepInProgress tells the server now and then that deliveries are still worked on, until stop returns.
func keepInProgress(batch []delivery, ackWait time.Duration) (stop func()) {
	done := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		ticker := time.NewTicker(ackWait / 3)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				for i := range batch {
					_ = batch[i].raw.InProgress()
				}
			}
		}
	})
	return func() {
		close(done)
		telling.Wait() // no sign of progress may follow the answer
	}
}
