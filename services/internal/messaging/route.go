package messaging

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/event"
)

// Route says which handler takes an event type.
type Route struct {
	pattern   string // subject whose last token is `*`
	typeName  string
	blank     func() proto.Message
	handle    func(ctx context.Context, tx *database.Tx, ev Event) error
	unlimited bool
	err       error
}

// RouteOption changes how a route treats failure.
type RouteOption func(*Route)

// Unlimited is for compensations: they never run out of tries. Only an unreadable payload, an error marked with
// [Permanent] or the death of the process puts such a message aside.
func Unlimited() RouteOption { return func(r *Route) { r.unlimited = true } }

// On routes the event type T, by its option in the schema, to fn. fn makes the event's effect inside tx and nothing
// else: it runs again after a rollback.
func On[T proto.Message](fn func(ctx context.Context, tx *database.Tx, ev Event, msg T) error, opts ...RouteOption) Route {
	var zero T
	subject, err := event.Filter(zero)
	r := OnSubject(subject, fn, opts...)
	if err != nil {
		r.err = err
	}
	return r
}

// Take lets events of type T reach the consumer's Batch.
func Take[T proto.Message](opts ...RouteOption) Route {
	r := On(func(context.Context, *database.Tx, Event, T) error { return nil }, opts...)
	r.handle = nil
	return r
}

// TakeSubject lets what arrives on a subject such as `taproom.cart.*` reach the consumer's Batch, as T.
func TakeSubject[T proto.Message](subject string, opts ...RouteOption) Route {
	r := OnSubject(subject, func(context.Context, *database.Tx, Event, T) error { return nil }, opts...)
	r.handle = nil
	return r
}

// OnSubject routes what arrives on a subject such as `taproom.cart.*` to fn, as T. Only the last token may be `*`.
func OnSubject[T proto.Message](subject string, fn func(ctx context.Context, tx *database.Tx, ev Event, msg T) error, opts ...RouteOption) Route {
	var zero T
	r := Route{
		pattern:  subject,
		typeName: string(zero.ProtoReflect().Descriptor().FullName()),
		blank:    func() proto.Message { return zero.ProtoReflect().New().Interface() },
		handle: func(ctx context.Context, tx *database.Tx, ev Event) error {
			msg, _ := ev.Message.(T) // blank made it one
			return fn(ctx, tx, ev, msg)
		},
	}
	if prefix, ok := strings.CutSuffix(subject, ".*"); !ok || strings.ContainsAny(prefix, "*> ") {
		r.err = fmt.Errorf("subject %q of %s does not end in its only wildcard, `.*`", subject, r.typeName)
	}
	for _, opt := range opts {
		opt(&r)
	}
	return r
}

// Consumer takes events of one stream into a service's database.
type Consumer struct {
	Name   string // durable, `<service>-<stream in lower case>`
	Stream string
	Routes []Route

	// Batch makes the effects of many events at once, in their order, where that costs less than one by one; the routes
	// are then made with Take. Each event id comes once. Nil: each route has a handler of its own.
	Batch func(ctx context.Context, tx *database.Tx, events []Event) error

	Tries   int           // deliveries before a failing message is set aside, at least 2; 0 means 8
	AckWait time.Duration // silence after which a message is handed out again; 0 means 30 s
	Backoff Backoff       // zero means 100 ms growing to 30 s
}

const (
	defaultTries   = 8
	defaultAckWait = 15 * time.Second // so long waits what a process held that died
)

func (c Consumer) withDefaults() (Consumer, error) {
	var errs []error
	errs = append(errs, checkName(c.Name))
	if c.Stream == "" || len(c.Routes) == 0 {
		errs = append(errs, fmt.Errorf("consumer %s needs a stream and routes", c.Name))
	}
	seen := make(map[string]bool, len(c.Routes))
	for _, r := range c.Routes {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("consumer %s: %w", c.Name, r.err))
		}
		if r.err == nil && (r.handle == nil) != (c.Batch != nil) {
			errs = append(errs, fmt.Errorf("consumer %s: routes made with Take need a Batch, and only they go with one: %s", c.Name, r.pattern))
		}
		if seen[r.pattern] {
			errs = append(errs, fmt.Errorf("consumer %s has two routes for %s", c.Name, r.pattern))
		}
		seen[r.pattern] = true
	}
	c.Tries = orDefault(c.Tries, defaultTries)
	c.AckWait = orDefault(c.AckWait, defaultAckWait)
	c.Backoff = c.Backoff.withDefaults()
	if c.Tries < 2 {
		errs = append(errs, fmt.Errorf("consumer %s: %d tries are too few, 2 is the least", c.Name, c.Tries))
	}
	return c, errors.Join(errs...)
}

func (c Consumer) subjects() []string {
	subjects := make([]string, len(c.Routes))
	for i, r := range c.Routes {
		subjects[i] = r.pattern
	}
	return subjects
}

// checkName refuses names that JetStream refuses or that can't be a token of a subject.
func checkName(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\r\n.*>/\\") {
		return fmt.Errorf("consumer name %q can't be a token of a subject", name)
	}
	return nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
