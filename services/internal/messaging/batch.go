package messaging

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	batchSize     = 100                   // messages in one transaction
	prefetch      = 2 * batchSize         // messages that may wait in this process
	suspectAfter  = 2                     // deliveries after which a message is handled alone
	suspectQuiet  = 20 * time.Millisecond // suspects wait until nothing has arrived for so long,
	suspectWait   = time.Second           // but no longer than this
	pullHeartbeat = 5 * time.Second       // how often the server says that a pull lives; two may be missed
	finishTime    = 5 * time.Second       // what a batch may still take when the service stops
)

// batchRun is the running of a consumer with a database.
type batchRun struct {
	processor *Processor
	log       *slog.Logger
	answerer  answerer
	suspects  []delivery
	waitSince time.Time // of the first suspect
}

var (
	errDetached = errors.New("the server ended the pull")
	errOutage   = errors.New("the database is away; messages wait at the server")
)

// consume handles what arrives until ctx is done, the pull ends or the database is away. The server pushes what it has
// into open requests, so a single message is handled as it arrives, and what piles up while a batch is committed makes
// the next batch.
func (b *batchRun) consume(ctx context.Context, live, replay jetstream.Consumer) error {
	if err := b.processor.db.Ping(ctx); err != nil {
		return err
	}
	arrived := make(chan jetstream.Msg, batchSize)
	closing := make(chan struct{})
	var pulls []jetstream.ConsumeContext
	defer func() { b.detach(ctx, pulls, arrived) }()
	defer close(closing)

	lost := make(chan error, 1)
	onError := jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		b.log.WarnContext(ctx, "pulling messages", slog.Any("error", err))
		// Neither ends the pull, which would wait for a consumer that the server has forgotten.
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoHeartbeat) {
			select {
			case lost <- err:
			default:
			}
		}
	})
	for _, consumer := range []jetstream.Consumer{live, replay} {
		pull, err := consumer.Consume(func(msg jetstream.Msg) {
			select {
			case arrived <- msg:
			case <-closing:
				b.giveBack(ctx, msg)
			}
		}, jetstream.PullMaxMessages(prefetch), jetstream.PullHeartbeat(pullHeartbeat), onError)
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
		case err := <-lost:
			return err
		case <-b.quiet():
			if !b.handleSuspects(ctx) {
				return errOutage
			}
		case msg := <-arrived:
			batch = b.add(batch[:0], msg)
			for waiting := true; waiting && len(batch) < batchSize; {
				select {
				case msg := <-arrived:
					batch = b.add(batch, msg)
				default:
					waiting = false
				}
			}
			if !b.process(ctx, batch) {
				return errOutage
			}
		}
	}
}

// add puts a message into the batch, or among the suspects when it was handed out several times without an answer.
func (b *batchRun) add(batch []delivery, msg jetstream.Msg) []delivery {
	d, err := receive(msg)
	switch {
	case err != nil:
		b.log.Warn("not a JetStream message", slog.String("subject", msg.Subject()), slog.Any("error", err))
	case d.Deliveries <= suspectAfter:
		batch = append(batch, d)
	default:
		if len(b.suspects) == 0 {
			b.waitSince = time.Now()
		}
		b.suspects = append(b.suspects, d)
	}
	return batch
}

// quiet delivers when it is the suspects' turn.
func (b *batchRun) quiet() <-chan time.Time {
	if len(b.suspects) == 0 {
		return nil
	}
	return time.After(min(suspectQuiet, suspectWait-time.Since(b.waitSince)))
}

// handleSuspects handles messages of which one may be killing the process: alone, after all others, and each answered
// before the next. The first life of the process goes through them in one direction and the next in the other, so that
// whoever stands before or behind a killer gets through; with several killers, chance decides. It says whether the
// database takes messages.
func (b *batchRun) handleSuspects(ctx context.Context) bool {
	suspects := b.suspects
	b.suspects = nil
	slices.SortFunc(suspects, func(x, y delivery) int { return cmp.Compare(x.sequence, y.sequence) })
	switch suspects[0].Deliveries {
	case suspectAfter + 1:
	case suspectAfter + 2:
		slices.Reverse(suspects)
	default:
		rand.Shuffle(len(suspects), func(i, j int) { suspects[i], suspects[j] = suspects[j], suspects[i] }) //nolint:gosec // no secret
	}
	stop := keepInProgress(suspects, b.processor.consumer.AckWait)
	defer stop()
	_ = b.answerer.js.Conn().FlushWithContext(ctx) // the answers to all others are out
	ok := true
	for len(suspects) > 0 && ok && ctx.Err() == nil {
		ok = b.process(ctx, suspects[:1])
		suspects = suspects[1:]
	}
	for _, d := range suspects {
		b.giveBack(ctx, d.raw)
	}
	return ok
}

// process takes deliveries through the processor and answers for them. It says whether the database takes messages.
func (b *batchRun) process(ctx context.Context, batch []delivery) (ok bool) {
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
		if wait := batch[i].Deliveries > suspectAfter; o.Action == Ack && !wait {
			b.answerer.answer(ctx, batch[i], o, false)
		} else {
			answers.Go(func() { b.answerer.answer(ctx, batch[i], o, wait) })
		}
	}
	answers.Wait()
	return ok
}

// workContext ends a batch that takes too long, and any batch soon after the service is told to stop.
func (b *batchRun) workContext(ctx context.Context) (context.Context, context.CancelFunc) {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.processor.consumer.AckWait*2/3)
	detach := context.AfterFunc(ctx, func() {
		select {
		case <-work.Done():
		case <-time.After(finishTime):
			cancel()
		}
	})
	return work, func() {
		detach()
		cancel()
	}
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
	for _, d := range b.suspects {
		b.giveBack(ctx, d.raw)
	}
	b.suspects = nil
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
					_ = batch[i].raw.InProgress() // of those already answered for nothing is sent
				}
			}
		}
	})
	return func() {
		close(done)
		telling.Wait()
	}
}
