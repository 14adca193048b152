package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/taproom-shop/taproom/services/internal/journal"
)

// failure is an event that the broker refuses for its own sake.
type failure struct {
	event journal.Record
	err   error
	final bool // no try can help
}

// sending is what became of events that were to be published.
type sending struct {
	published []journal.Record
	failures  []failure
	outage    error // ended it; what was stored until then is among the published
}

func (s *sending) add(other sending) {
	s.published = append(s.published, other.published...)
	s.failures = append(s.failures, other.failures...)
	s.outage = errors.Join(s.outage, other.outage)
}

// publish sends the events in order: those of one stream together, and the streams side by side. An aggregate's events in
// a second stream wait for those in the first.
func (r *relayRun) publish(ctx context.Context, events []journal.Record) (all sending) {
	for len(events) > 0 && all.outage == nil && ctx.Err() == nil {
		streams, later := byStream(events)
		results := make([]sending, len(streams))
		var streaming sync.WaitGroup
		for i, stream := range streams {
			streaming.Go(func() { results[i] = r.publishStream(ctx, stream) })
		}
		streaming.Wait()
		failed := make(map[string]bool)
		for _, result := range results {
			all.add(result)
			for _, f := range result.failures {
				failed[f.event.Aggregate] = true
			}
		}
		events = slices.DeleteFunc(later, func(e journal.Record) bool { return failed[e.Aggregate] })
	}
	return all
}

// byStream parts events by their streams. Later are those that follow, in their aggregate, one of another stream.
func byStream(events []journal.Record) (streams [][]journal.Record, later []journal.Record) {
	place := make(map[string]int)       // of a stream among the streams
	streamOf := make(map[string]string) // of an aggregate
	for _, e := range events {
		if first, known := streamOf[e.Aggregate]; known && first != e.Stream {
			streamOf[e.Aggregate] = "" // what follows is later still
			later = append(later, e)
			continue
		}
		streamOf[e.Aggregate] = e.Stream
		i, known := place[e.Stream]
		if !known {
			i = len(streams)
			place[e.Stream] = i
			streams = append(streams, nil)
		}
		streams[i] = append(streams[i], e)
	}
	return streams, later
}

// publishStream sends events of one stream, as one batch where that saves time. Aggregates with an event that the broker
// refused before, or will, stay out of it.
func (r *relayRun) publishStream(ctx context.Context, events []journal.Record) (all sending) {
	doubtful := make(map[string]bool)
	for _, e := range events {
		if e.Attempts > 0 || r.tooLarge(e) != nil {
			doubtful[e.Aggregate] = true
		}
	}
	var batch, single []journal.Record
	for _, e := range events {
		if doubtful[e.Aggregate] {
			single = append(single, e)
		} else {
			batch = append(batch, e)
		}
	}
	if len(batch) < leastBatch {
		return r.publishOneByOne(ctx, events)
	}
	if all = r.publishBatch(ctx, batch); all.outage == nil {
		all.add(r.publishOneByOne(ctx, single))
	}
	return all
}

// publishBatch sends events of one stream as one batch. The broker takes it whole, and refuses it whole for one event at
// fault or already stored: then each is judged on its own.
func (r *relayRun) publishBatch(ctx context.Context, events []journal.Record) sending {
	msgs := make([]*nats.Msg, len(events))
	for i, e := range events {
		msgs[i] = Envelope(r.Service, e)
	}
	bound, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	_, err := jetstreamext.PublishMsgBatch(bound, r.js, msgs, jetstreamext.BatchFlowControl{}) // one answer, to the last
	switch {
	case err == nil:
		return sending{published: events}
	case bound.Err() != nil: // no answer: perhaps it is stored, which trying again will tell
		return sending{outage: fmt.Errorf("publish %d events to %s: %w", len(events), events[0].Stream, err)}
	default:
		return r.publishOneByOne(ctx, events)
	}
}

// publishOneByOne sends events of one aggregate one after the other and those of different ones side by side.
func (r *relayRun) publishOneByOne(ctx context.Context, events []journal.Record) (all sending) {
	waiting := make(map[string][]journal.Record)
	var wave []journal.Record
	for _, e := range events {
		queue, known := waiting[e.Aggregate]
		if !known {
			wave = append(wave, e)
			waiting[e.Aggregate] = nil
			continue
		}
		waiting[e.Aggregate] = append(queue, e)
	}
	for len(wave) > 0 && all.outage == nil && ctx.Err() == nil {
		var next []journal.Record
		for i, err := range r.send(ctx, wave) {
			e := wave[i]
			switch final, ownFault := r.judge(ctx, e, err); {
			case err == nil:
				all.published = append(all.published, e)
				if queue := waiting[e.Aggregate]; len(queue) > 0 {
					next = append(next, queue[0])
					waiting[e.Aggregate] = queue[1:]
				}
			case ownFault:
				all.failures = append(all.failures, failure{e, err, final})
			default:
				all.outage = fmt.Errorf("publish %s: %w", e.Subject, err)
			}
		}
		wave = next
	}
	return all
}

// send publishes events side by side and returns what became of each.
func (r *relayRun) send(ctx context.Context, events []journal.Record) []error {
	errs := make([]error, len(events))
	futures := make([]jetstream.PubAckFuture, len(events))
	for i, e := range events {
		if errs[i] = r.tooLarge(e); errs[i] == nil {
			futures[i], errs[i] = r.js.PublishMsgAsync(Envelope(r.Service, e))
		}
	}
	for i, future := range futures {
		if future == nil || errs[i] != nil {
			continue
		}
		select {
		case <-future.Ok():
		case errs[i] = <-future.Err():
		case <-ctx.Done():
			errs[i] = ctx.Err()
		}
	}
	return errs
}

// Envelope is an event of the service's outbox as it travels.
func Envelope(service string, e journal.Record) *nats.Msg {
	header := make(nats.Header, 10)
	for key, value := range e.Headers {
		header.Set(key, value)
	}
	header.Set(nats.MsgIdHdr, e.ID)
	header.Set(HeaderID, e.ID)
	header.Set(HeaderType, e.Type)
	header.Set(HeaderSource, "taproom/"+service)
	header.Set(HeaderSubject, e.Aggregate)
	header.Set(HeaderTime, e.CreatedAt.UTC().Format(time.RFC3339Nano))
	header.Set(HeaderSpecVersion, "1.0")
	header.Set("content-type", "application/protobuf")
	return &nats.Msg{Subject: e.Subject, Header: header, Data: e.Payload}
}

var errTooLarge = errors.New("the event is larger than the broker takes")

func (r *relayRun) tooLarge(e journal.Record) error {
	if limit := r.NATS.MaxPayload() - headerReserve; int64(len(e.Payload)) > limit {
		return fmt.Errorf("%w: %d bytes of at most %d", errTooLarge, len(e.Payload), limit)
	}
	return nil
}

// judge tells an event's own fault from an outage, which is nobody's. That nobody answered for a subject is the event's
// fault only when the broker says that no stream keeps the subject: a stream that changes its leader is silent too.
func (r *relayRun) judge(ctx context.Context, e journal.Record, err error) (final, ownFault bool) {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return false, false
	case errors.Is(err, errTooLarge), errors.Is(err, nats.ErrMaxPayload):
		return true, true
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		defer cancel()
		_, err := r.js.StreamNameBySubject(ctx, e.Subject)
		return false, errors.Is(err, jetstream.ErrStreamNotFound)
	case errors.As(err, &api):
		return false, api.Code >= 400 && api.Code < 500
	default:
		return false, false
	}
}

// hold keeps the aggregate of a failed event back for a while, or until somebody restores it when the event failed often
// enough.
func (r *relayRun) hold(ctx context.Context, f failure, now time.Time) error {
	tries := f.event.Attempts + 1
	setAside := f.final || tries >= publishTries
	if err := journal.MarkFailed(ctx, r.DB, f.event.ID, f.err, setAside, now); err != nil {
		return err
	}
	log := r.Log.With(slog.String("subject", f.event.Subject), slog.String("event_id", f.event.ID), slog.Int("tries", tries), slog.Any("error", f.err))
	if setAside {
		delete(r.blocked, f.event.Aggregate)
		log.ErrorContext(ctx, "event can't be published; it is set aside with the later ones of its aggregate")
		return nil
	}
	r.blocked[f.event.Aggregate] = now.Add(Backoff{}.withDefaults().after(tries))
	log.WarnContext(ctx, "event can't be published; it is tried again, and later ones of its aggregate wait")
	return nil
}

// next reads the oldest events that may be published now. It reads on when those that it finds all wait.
func (r *relayRun) next(ctx context.Context, now time.Time) (events []journal.Record, more bool, err error) {
	maps.DeleteFunc(r.blocked, func(_ string, until time.Time) bool { return !now.Before(until) })
	for limit := relayBatch; ; limit *= 4 {
		events, err = journal.Pending(ctx, r.DB, limit)
		if err != nil {
			return nil, false, err
		}
		more = len(events) == limit
		events = slices.DeleteFunc(events, func(e journal.Record) bool {
			_, waits := r.blocked[e.Aggregate]
			return waits
		})
		if len(events) > 0 || !more {
			return events[:min(len(events), relayBatch)], more, nil
		}
	}
}
