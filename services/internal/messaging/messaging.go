// Package messaging carries events between services over NATS JetStream, so that every effect of a message happens
// once, whatever crashes, repeats or arrives out of order.
//
// On the way out a [Relay] publishes what a service wrote to its outbox. On the way in a [Runner] feeds messages to a
// [Processor], which commits the handlers' effects together with the inbox in one transaction and only then says that
// they may be acknowledged. A [Worker] is for services whose effects live outside a database.
//
// The streams are declared once, in streams.go, and made by [Reconcile].
package messaging

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/taproom-shop/taproom/services/internal/event"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Headers of an event: CloudEvents attributes as its NATS binding names them, and the W3C trace context.
const (
	HeaderID          = "ce-id"
	HeaderType        = "ce-type"
	HeaderSource      = "ce-source"
	HeaderSubject     = "ce-subject"
	HeaderTime        = "ce-time"
	HeaderSpecVersion = "ce-specversion"
	HeaderTraceParent = "traceparent"
)

// Event is a message as a handler sees it.
type Event struct {
	ID       string        // the event's id, the same on every delivery and replay
	Type     string        // full name of the protobuf message
	Subject  string        // where it was first published
	Stream   string        // the stream that it was first stored in
	Sequence uint64        // its place in that stream, from 1
	Time     time.Time     // when it happened, UTC
	Header   nats.Header   // as it arrived; read only
	Message  proto.Message // decoded; handlers of a Route get it typed as well
	Attempt  int           // how many times it was handed out so far, from 1
}

// AggregateID is the last token of the event's subject.
func (e Event) AggregateID() string { return event.Aggregate(e.Subject) }

// Message is a delivery without its transport, what a [Processor] works on.
type Message struct {
	Subject    string
	Header     nats.Header
	Data       []byte
	Stream     string
	Sequence   uint64
	Time       time.Time // when the stream stored it
	Deliveries int       // of this stored message, this one included, from 1
	Earlier    int       // deliveries before it was put back with a fresh count
}

// EventID is the id that the inbox remembers. A message without one is named by its place in the stream.
func (m *Message) EventID() string {
	if id := m.Header.Get(HeaderID); id != "" {
		return id
	}
	if id := m.Header.Get(nats.MsgIdHdr); id != "" {
		return id
	}
	return m.Stream + "-" + strconv.FormatUint(m.Sequence, 10)
}

func (m *Message) attempts() int { return m.Earlier + m.Deliveries }

func (m *Message) event(decoded proto.Message) Event {
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(HeaderTime))
	if err != nil {
		at = m.Time
	}
	return Event{
		ID:       m.EventID(),
		Type:     string(decoded.ProtoReflect().Descriptor().FullName()),
		Subject:  m.Subject,
		Stream:   m.Stream,
		Sequence: m.Sequence,
		Time:     at.UTC(),
		Header:   m.Header,
		Message:  decoded,
		Attempt:  m.attempts(),
	}
}

// decode finds the message's type by its header, for those who take whatever a subject carries.
func decode(header nats.Header, data []byte) (proto.Message, error) {
	name := header.Get(HeaderType)
	typ, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fault.Invalid("EVENT_TYPE_UNKNOWN", "No event type %q is known to this program.", name).WithCause(err)
	}
	msg := typ.New().Interface()
	if err := proto.Unmarshal(data, msg); err != nil {
		return nil, unreadable(name, err)
	}
	return msg, nil
}

func unreadable(name string, cause error) error {
	return fault.Invalid("EVENT_UNREADABLE", "The payload is not a %s.", name).WithCause(cause)
}
