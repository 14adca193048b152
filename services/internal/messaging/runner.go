package messaging

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/taproom-shop/taproom/services/internal/database"
)

const (
	maxAckPending = 2000            // messages handed out and not yet answered, over all replicas, delayed ones included
	longestPause  = 5 * time.Second // between attempts to attach
	createTimeout = 2 * time.Second // of one attempt

	// noticeTime is what the server is given to act on another AckWait: it looks after a tenth of a second.
	noticeTime = 250 * time.Millisecond
)

// Runner runs the consumers and workers of a service.
type Runner struct {
	JetStream jetstream.JetStream
	DB        *database.DB // for consumers; a service of workers alone has none
	Log       *slog.Logger
	Tracing   trace.TracerProvider // nil: traces are only passed on

	// Alone says that no other process consumes from this server. What was handed out before then went to one that died, and
	// is handed out again at once instead of after AckWait.
	Alone bool
}

// Consume runs a consumer until ctx is done and returns nil once its last batch is answered. It returns an error at once
// only for a wrong declaration; everything else is logged and tried again.
func (r Runner) Consume(ctx context.Context, c Consumer) error {
	p, err := NewProcessor(c, r.DB)
	if err != nil {
		return err
	}
	p.tracing = newTracing(r.Tracing, r.DB)
	c = p.consumer
	log := r.Log.With(slog.String("consumer", c.Name))
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
	if live, err = create(ctx, js, d.stream, config); err != nil {
		return nil, nil, err
	}
	config.FilterSubjects = []string{subjectReplay + d.name}
	replay, err = create(ctx, js, StreamReplay, config)
	return live, replay, err
}

// create makes one consumer. What is asked of servers that are choosing a leader has no answer, so it is soon asked again.
func create(ctx context.Context, js jetstream.JetStream, stream string, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	consumer, err := js.CreateOrUpdateConsumer(ctx, stream, config)
	if err != nil {
		return nil, fmt.Errorf("consumer %s on %s: %w", config.Durable, stream, err)
	}
	return consumer, nil
}

// recover has the server hand out again what it waits for an answer to: by an AckWait that has long passed, until the server
// has noticed. Should it take longer, nothing is lost but time.
func (d durable) recover(ctx context.Context, js jetstream.JetStream, live jetstream.Consumer) error {
	info := live.CachedInfo()
	if info.NumAckPending == 0 {
		return nil
	}
	config := info.Config
	config.AckWait = time.Millisecond
	if _, err := js.UpdateConsumer(ctx, d.stream, config); err != nil {
		return fmt.Errorf("consumer %s on %s: %w", d.name, d.stream, err)
	}
	sleep(ctx, noticeTime)
	config.AckWait = d.ackWait
	if _, err := js.UpdateConsumer(ctx, d.stream, config); err != nil {
		return fmt.Errorf("consumer %s on %s: %w", d.name, d.stream, err)
	}
	return nil
}

// attach keeps consume going on both consumers, called anew whenever it ends, until ctx is done.
func (r Runner) attach(ctx context.Context, log *slog.Logger, d durable, consume func(ctx context.Context, live, replay jetstream.Consumer) error) error {
	backoff := Backoff{Base: 50 * time.Millisecond, Cap: longestPause}
	recovered := false
	for failures := 1; ctx.Err() == nil; failures++ {
		started := time.Now()
		live, replay, err := d.ensure(ctx, r.JetStream)
		if err == nil && r.Alone && !recovered {
			err = d.recover(ctx, r.JetStream, live)
			recovered = err == nil
		}
		if err == nil {
			err = consume(ctx, live, replay)
		}
		if time.Since(started) > 2*longestPause {
			failures = 1
		}
		if ctx.Err() == nil {
			log.WarnContext(ctx, "consumer is not attached and will be tried again", slog.Any("error", err))
		}
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
