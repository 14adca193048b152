package messaging

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// delivery is a message together with the means to answer for it.
type delivery struct {
	Message
	raw      jetstream.Msg
	stream   string // where it physically lies: the first stream, or REPLAY
	sequence uint64
}

// receive reads what the server and the headers say about a delivery. A message from REPLAY appears as the one it was
// first.
func receive(raw jetstream.Msg) (delivery, error) {
	meta, err := raw.Metadata()
	if err != nil {
		return delivery{}, err
	}
	d := delivery{
		Message: Message{
			Subject:    raw.Subject(),
			Header:     raw.Headers(),
			Data:       raw.Data(),
			Stream:     meta.Stream,
			Sequence:   meta.Sequence.Stream,
			Time:       meta.Timestamp,
			Deliveries: int(meta.NumDelivered),
		},
		raw:      raw,
		stream:   meta.Stream,
		sequence: meta.Sequence.Stream,
	}
	if meta.Stream == StreamReplay {
		d.Subject = d.Header.Get(headerSubject)
		d.Stream = d.Header.Get(headerStream)
		d.Sequence, _ = strconv.ParseUint(d.Header.Get(headerSequence), 10, 64)
		d.Earlier, _ = strconv.Atoi(d.Header.Get(headerTries))
	}
	return d, nil
}

// place names the stored message, to recognise copies made of it.
func (d *delivery) place(consumer string) string {
	return consumer + "-" + d.stream + "-" + strconv.FormatUint(d.sequence, 10)
}

// copyFor copies the message to another subject with headers that say where it came from.
func (d *delivery) copyFor(subject, consumer string) *nats.Msg {
	msg := copyOf(subject, d.Header, d.Data)
	if msg.Header.Get(HeaderID) == "" {
		msg.Header.Set(HeaderID, d.EventID()) // without one the inbox would take the copy for another event
	}
	msg.Header.Set(headerConsumer, consumer)
	msg.Header.Set(headerSubject, d.Subject)
	msg.Header.Set(headerStream, d.Stream)
	msg.Header.Set(headerSequence, strconv.FormatUint(d.Sequence, 10))
	msg.Header.Set(headerTries, strconv.Itoa(d.attempts()))
	return msg
}

// answerTimeout bounds a copy to the DLQ or back to the consumer, and an acknowledgement that is waited for.
const answerTimeout = 5 * time.Second

// answerer tells the server what became of deliveries.
type answerer struct {
	js       jetstream.JetStream
	log      *slog.Logger
	consumer string
	backoff  Backoff
}

// answer carries an outcome out. Whatever goes wrong here, the server hands the message out again.
func (a *answerer) answer(ctx context.Context, d delivery, o Outcome, wait bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	var err error
	switch o.Action {
	case Ack:
		if wait {
			err = d.raw.DoubleAck(ctx)
		} else {
			err = d.raw.Ack()
		}
	case Nak:
		a.log.LogAttrs(ctx, slog.LevelWarn, "message failed and will be handed out again", d.failure(o)...)
		err = d.raw.NakWithDelay(o.Delay)
	case Requeue:
		a.log.LogAttrs(ctx, slog.LevelError, "message still fails; it keeps being tried", d.failure(o)...)
		if err = putBack(ctx, a.js, a.consumer, d); err == nil {
			err = d.raw.DoubleAck(ctx)
		} else {
			_ = d.raw.NakWithDelay(a.backoff.Cap)
		}
	case SetAside:
		a.log.LogAttrs(ctx, slog.LevelError, "message set aside in the DLQ", d.failure(o)...)
		if err = bury(ctx, a.js, a.consumer, d, o.Err); err == nil {
			err = d.raw.TermWithReason("copied to the DLQ")
		} else {
			_ = d.raw.NakWithDelay(a.backoff.Cap)
		}
	}
	if err != nil {
		a.log.WarnContext(ctx, "delivery can't be answered; the message comes again",
			slog.String("subject", d.Subject), slog.String("event_id", d.EventID()), slog.Any("error", err))
	}
}

// giveBack returns a delivery that was not handled, for soon (see handOverAfter), or with a fresh count when it was handed out
// often already.
func (a *answerer) giveBack(ctx context.Context, d delivery, action Action) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if action == Requeue && putBack(ctx, a.js, a.consumer, d) == nil {
		_ = d.raw.Ack()
		return
	}
	_ = d.raw.NakWithDelay(handOverAfter)
}

// failure is what the log says of a delivery that failed.
func (d *delivery) failure(o Outcome) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("subject", d.Subject),
		slog.String("event_id", d.EventID()),
		slog.Int("attempt", d.attempts()),
		slog.Any("error", o.Err),
	}
	if o.Action == Nak {
		attrs = append(attrs, slog.Duration("delay", o.Delay))
	}
	if stack := stackOf(o.Err); stack != "" {
		attrs = append(attrs, slog.String("stack", stack))
	}
	return attrs
}
