package messaging

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Headers that a dead letter, and a message on its way back to one consumer, carry besides those of the original.
const (
	headerConsumer = "Taproom-Consumer"
	headerSubject  = "Taproom-Subject"
	headerStream   = "Taproom-Stream"
	headerSequence = "Taproom-Sequence"
	headerTries    = "Taproom-Tries"
	headerError    = "Taproom-Error"
	headerReason   = "Taproom-Reason"
)

const (
	subjectDLQ    = "taproom.dlq."
	subjectReplay = "taproom.dlq-replay."
	maxErrorText  = 2048 // bytes
)

// DeadLetter is a message that a consumer gave up on.
type DeadLetter struct {
	Sequence       uint64 // its handle: its place in the DLQ
	Consumer       string // who gave up
	Subject        string // where the message came from
	Stream         string
	StreamSequence uint64
	Error          string
	Reason         string // machine-readable, when the error had one
	Tries          int
	At             time.Time   // when it was set aside
	Header         nats.Header // the original headers
	Data           []byte      // the original payload
}

// EventID is the id of the event that it carries.
func (d DeadLetter) EventID() string {
	m := Message{Header: d.Header, Stream: d.Stream, Sequence: d.StreamSequence}
	return m.EventID()
}

// Type is the full name of the event's protobuf message, as its publisher named it.
func (d DeadLetter) Type() string { return d.Header.Get(HeaderType) }

// Message decodes the payload. The error says why it can't be read.
func (d DeadLetter) Message() (proto.Message, error) { return decode(d.Header, d.Data) }

// bury copies a delivery to the DLQ and returns when the copy is stored. Storing it twice, after a crash, leaves one.
func bury(ctx context.Context, js jetstream.JetStream, consumer string, d delivery, cause error) error {
	msg := d.copyFor(subjectDLQ+consumer, consumer)
	msg.Header.Set(headerError, headerText(cause.Error()))
	if reason := fault.ReasonOf(cause); reason != "" {
		msg.Header.Set(headerReason, headerText(reason))
	}
	_, err := js.PublishMsg(ctx, msg, jetstream.WithMsgID("dlq-"+d.place(consumer)), jetstream.WithExpectStream(StreamDLQ))
	return err
}

// putBack stores a delivery anew for its consumer alone, with a delivery count that starts over.
func putBack(ctx context.Context, js jetstream.JetStream, consumer string, d delivery) error {
	msg := d.copyFor(subjectReplay+consumer, consumer)
	_, err := js.PublishMsg(ctx, msg, jetstream.WithMsgID("requeue-"+d.place(consumer)), jetstream.WithExpectStream(StreamReplay))
	return err
}

// ListDeadLetters returns up to limit dead letters with a sequence greater than after, oldest first.
func ListDeadLetters(ctx context.Context, js jetstream.JetStream, after uint64, limit int) ([]DeadLetter, error) {
	stream, err := js.Stream(ctx, StreamDLQ)
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	letters := make([]DeadLetter, 0, min(limit, 100))
	for len(letters) < limit {
		raw, err := stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(subjectDLQ+">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("list dead letters: %w", err)
		}
		letters = append(letters, deadLetter(raw))
		after = raw.Sequence
	}
	return letters, nil
}

// GetDeadLetter returns one dead letter, or NOT_FOUND.
func GetDeadLetter(ctx context.Context, js jetstream.JetStream, sequence uint64) (DeadLetter, error) {
	stream, err := js.Stream(ctx, StreamDLQ)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("get dead letter: %w", err)
	}
	raw, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, noDeadLetter(sequence)
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("get dead letter: %w", err)
	}
	return deadLetter(raw), nil
}

// Replay hands a dead letter to the consumer that gave up on it, and to no other, under a new message id and the same
// event id, and takes it out of the DLQ. Two replays of one dead letter at once make one. What fails again becomes a
// new dead letter.
func Replay(ctx context.Context, js jetstream.JetStream, d DeadLetter) error {
	if _, err := js.Consumer(ctx, StreamReplay, d.Consumer); errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fault.FailedPrecondition("CONSUMER_UNKNOWN", "No consumer %s has ever run here: start its service first, or discard the dead letter.", d.Consumer)
	} else if err != nil {
		return fmt.Errorf("replay dead letter %d: %w", d.Sequence, err)
	}
	msg := copyOf(subjectReplay+d.Consumer, d.Header, d.Data)
	msg.Header.Set(headerSubject, d.Subject)
	msg.Header.Set(headerStream, d.Stream)
	msg.Header.Set(headerSequence, strconv.FormatUint(d.StreamSequence, 10))
	id := "replay-" + strconv.FormatUint(d.Sequence, 10) + "-" + strconv.FormatInt(d.At.UnixNano(), 36)
	if _, err := js.PublishMsg(ctx, msg, jetstream.WithMsgID(id), jetstream.WithExpectStream(StreamReplay)); err != nil {
		return fmt.Errorf("replay dead letter %d: %w", d.Sequence, err)
	}
	return Discard(ctx, js, d)
}

// Discard takes a dead letter out of the DLQ for good. One that is gone already is no error.
func Discard(ctx context.Context, js jetstream.JetStream, d DeadLetter) error {
	stream, err := js.Stream(ctx, StreamDLQ)
	if err != nil {
		return fmt.Errorf("discard dead letter %d: %w", d.Sequence, err)
	}
	err = stream.DeleteMsg(ctx, d.Sequence)
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if _, gone := stream.GetMsg(ctx, d.Sequence); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("discard dead letter %d: %w", d.Sequence, err)
}

func noDeadLetter(sequence uint64) error {
	return fault.NotFound("DEAD_LETTER_NOT_FOUND", "There is no dead letter %d; it may have been replayed or discarded.", sequence)
}

func deadLetter(raw *jetstream.RawStreamMsg) DeadLetter {
	d := DeadLetter{
		Sequence: raw.Sequence,
		Consumer: strings.TrimPrefix(raw.Subject, subjectDLQ),
		Subject:  raw.Header.Get(headerSubject),
		Stream:   raw.Header.Get(headerStream),
		Error:    raw.Header.Get(headerError),
		Reason:   raw.Header.Get(headerReason),
		At:       raw.Time.UTC(),
		Header:   nats.Header{},
		Data:     raw.Data,
	}
	d.StreamSequence, _ = strconv.ParseUint(raw.Header.Get(headerSequence), 10, 64)
	d.Tries, _ = strconv.Atoi(raw.Header.Get(headerTries))
	copyHeaders(d.Header, raw.Header)
	return d
}

// copyOf makes a message with the headers that describe the event, and none that describe its transport: an expected
// sequence or a rollup would act on the stream that it is copied to.
func copyOf(subject string, header nats.Header, data []byte) *nats.Msg {
	msg := &nats.Msg{Subject: subject, Header: make(nats.Header, len(header)+6), Data: data}
	copyHeaders(msg.Header, header)
	if id := header.Get(nats.MsgIdHdr); id != "" && header.Get(HeaderID) == "" {
		msg.Header.Set(HeaderID, id)
	}
	return msg
}

func copyHeaders(to, from nats.Header) {
	for key, values := range from {
		if !strings.HasPrefix(key, "Nats-") && !ours(key) {
			to[key] = values
		}
	}
}

func ours(key string) bool {
	switch key {
	case headerConsumer, headerSubject, headerStream, headerSequence, headerTries, headerError, headerReason:
		return true
	}
	return false
}

// headerText makes a text fit for a header: one line, of bounded length.
func headerText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}
