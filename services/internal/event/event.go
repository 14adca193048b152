// Package event reads from the schema where a domain event travels: messages of taproom.event.v1 carry the option
// (taproom.policy.v1.event), which names stream, context, event and the field that holds the aggregate's id.
package event

import (
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
)

// Type returns the event's type, the full name of its message, such as `taproom.event.v1.OrderPlaced`.
func Type(msg proto.Message) string { return string(msg.ProtoReflect().Descriptor().FullName()) }

// Stream returns the name of the JetStream stream that keeps the event, such as `ORDERS`.
func Stream(msg proto.Message) (string, error) {
	r, err := routeOf(msg)
	if err != nil {
		return "", err
	}
	return r.stream, nil
}

// Subject returns the event's subject, `taproom.<context>.<event>.<aggregate id>`. It fails when the id is empty or can't
// be one token of a subject.
func Subject(msg proto.Message) (string, error) {
	r, err := routeOf(msg)
	if err != nil {
		return "", err
	}
	id := msg.ProtoReflect().Get(r.aggregate).String()
	if id == "" || strings.ContainsFunc(id, unfit) {
		return "", fmt.Errorf("event %s: field %s holds %q, which can't be part of a subject", Type(msg), r.aggregate.Name(), id)
	}
	return r.prefix + id, nil
}

// Filter returns the pattern of the subjects of all events of msg's type, `taproom.<context>.<event>.*`. The message's
// fields don't matter.
func Filter(msg proto.Message) (string, error) {
	r, err := routeOf(msg)
	if err != nil {
		return "", err
	}
	return r.prefix + "*", nil
}

// Aggregate returns the id of the aggregate that a subject is about: its last token.
func Aggregate(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// unfit tells the characters that a token of a NATS subject can't hold.
func unfit(r rune) bool { return r <= ' ' || r == 0x7f || r == '.' || r == '*' || r == '>' }

// route is a message type's event option, resolved.
type route struct {
	stream    string
	prefix    string // of the subject, with the dot before the id
	aggregate protoreflect.FieldDescriptor
	err       error
}

var routes sync.Map // protoreflect.MessageDescriptor → route

func routeOf(msg proto.Message) (route, error) {
	descriptor := msg.ProtoReflect().Descriptor()
	known, _ := routes.Load(descriptor)
	r, ok := known.(route)
	if !ok {
		r = resolve(descriptor)
		routes.Store(descriptor, r)
	}
	return r, r.err
}

func resolve(descriptor protoreflect.MessageDescriptor) route {
	options, _ := proto.GetExtension(descriptor.Options(), policyv1.E_Event).(*policyv1.EventOptions)
	if options == nil {
		return route{err: fmt.Errorf("%s is no event: it lacks the option (taproom.policy.v1.event)", descriptor.FullName())}
	}
	field := descriptor.Fields().ByName(protoreflect.Name(options.GetAggregateField()))
	if field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return route{err: fmt.Errorf("event %s: aggregate_field %q is not a string field of it", descriptor.FullName(), options.GetAggregateField())}
	}
	for name, token := range map[string]string{"stream": options.GetStream(), "context": options.GetContext(), "event": options.GetEvent()} {
		if token == "" || strings.ContainsFunc(token, unfit) {
			return route{err: fmt.Errorf("event %s: %s %q can't be part of a subject", descriptor.FullName(), name, token)}
		}
	}
	return route{
		stream:    options.GetStream(),
		prefix:    "taproom." + options.GetContext() + "." + options.GetEvent() + ".",
		aggregate: field,
	}
}
