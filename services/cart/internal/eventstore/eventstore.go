// Package eventstore keeps carts as streams of events in JetStream, which is their only truth: one subject a cart, and
// each event appended under the condition that the writer saw the one before it.
package eventstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

const (
	stream  = "CARTS"
	prefix  = "taproom.cart."
	cached  = 20_000 // carts kept folded in memory
	compact = 64     // events after which a snapshot replaces them

	// publishWait bounds an append, while others wait for the cart: servers that lost the leader of the stream take up to
	// nine seconds to choose another.
	publishWait = 10 * time.Second
	ackWait     = 2 * time.Second        // for the acknowledgement of one attempt
	publishRest = 100 * time.Millisecond // between attempts

	// HeaderType says what a message holds without decoding it, such as `item_added`.
	HeaderType = "Taproom-Event-Type"
)

// Subject is where the events of a cart stand.
func Subject(cartID string) string { return prefix + cartID }

// Store appends and folds the events of carts. It is safe for concurrent use, by any number of processes.
type Store struct {
	js    jetstream.JetStream
	nats  *nats.Conn
	clock func() time.Time
	carts *lru.Cache[string, *entry]
}

// entry is a cart as this process last saw it. Its lock lets writers of one process go one after the other, so that only
// those of different processes ever collide.
type entry struct {
	mu       sync.Mutex
	cart     *domain.Cart
	last     uint64 // sequence in the stream of the cart's last event; 0: none
	since    int    // events since the last snapshot
	doubtful bool   // an append had an unknown end
}

// New returns a store on the stream CARTS, which must exist.
func New(js jetstream.JetStream, conn *nats.Conn, clock func() time.Time) *Store {
	carts, err := lru.New[string, *entry](cached)
	if err != nil {
		panic(err) // only a size below one fails
	}
	return &Store{js: js, nats: conn, clock: clock, carts: carts}
}

// Load folds a cart from its events, as far as they are known to the stream now.
func (s *Store) Load(ctx context.Context, cartID string) (*domain.Cart, error) {
	return s.LoadSince(ctx, cartID, 0)
}

// LoadSince is Load for who has seen an event of the cart at a sequence of the stream: that event is folded in, unless the
// cart was purged since.
func (s *Store) LoadSince(ctx context.Context, cartID string, seen uint64) (*domain.Cart, error) {
	e := s.entry(cartID)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.refresh(ctx, e, seen); err != nil {
		return nil, err
	}
	return e.cart.Clone(), nil
}

// Do carries a command out and answers the cart after it. Who decides: the stream, by the expected last sequence of the
// cart's subject. The loser reads what the winner wrote and decides again, until ctx ends. A command that the cart
// remembers is not carried out twice, but answered as it was at first.
func (s *Store) Do(ctx context.Context, cartID string, guest bool, command domain.Command, decide domain.Decide) (*domain.Cart, error) {
	e := s.entry(cartID)
	e.mu.Lock()
	defer e.mu.Unlock()
	guess := e.last > 0 && !e.doubtful // what is known is enough to try: the append finds out
	for attempt := 0; ; attempt++ {
		if !guess {
			if err := s.refresh(ctx, e, 0); err != nil {
				return nil, err
			}
		}
		applied, err := e.cart.Applied(command)
		if err != nil {
			return nil, err
		}
		if applied {
			return s.after(ctx, e, command)
		}
		ev, err := decide(e.cart)
		if guess && (err != nil || ev == nil) {
			guess = false // decided by what may be old: look again
			continue
		}
		if err != nil || ev == nil {
			return e.cart.Clone(), err
		}
		ev = proto.CloneOf(ev)
		ev.CommandId, ev.OccurredAt, ev.Guest = command.String(), timestamppb.New(s.clock()), guest
		err = s.append(ctx, e, ev)
		if err == nil {
			s.compact(ctx, e)
			return e.cart.Clone(), nil
		}
		if !errors.Is(err, errCollision) {
			return nil, err
		}
		guess = false
		if err := pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

func (s *Store) entry(cartID string) *entry {
	e, ok, _ := s.carts.PeekOrAdd(cartID, &entry{cart: &domain.Cart{ID: cartID}})
	if ok {
		s.carts.Get(cartID) // keeps it from being forgotten soon
		return e
	}
	e, _ = s.carts.Get(cartID)
	if e == nil { // forgotten at once by a flood of other carts
		e = &entry{cart: &domain.Cart{ID: cartID}}
	}
	return e
}

// errCollision says that somebody else appended first.
var errCollision = errors.New("the cart changed meanwhile")

// append publishes an event behind the last one known and folds it in.
func (s *Store) append(ctx context.Context, e *entry, ev *eventv1.CartEvent) error {
	seq, err := s.publish(ctx, e, ev, nil)
	if err != nil {
		return err
	}
	e.cart.Apply(ev)
	e.last = seq
	e.since++
	return nil
}

func (s *Store) publish(ctx context.Context, e *entry, ev *eventv1.CartEvent, header nats.Header) (uint64, error) {
	data, err := proto.Marshal(ev)
	if err != nil {
		return 0, err
	}
	msg := &nats.Msg{Subject: Subject(e.cart.ID), Data: data, Header: header}
	if msg.Header == nil {
		msg.Header = nats.Header{}
	}
	describe(msg.Header, e.cart.ID, ev)
	messaging.InjectTrace(ctx, msg.Header)
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(e.last, 10))
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	for {
		ack, err := s.tryPublish(ctx, msg)
		var api *jetstream.APIError
		switch {
		case err == nil && !ack.Duplicate:
			return ack.Sequence, nil
		case err == nil:
			return 0, errCollision // stored by an earlier attempt, whose answer was lost
		case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
			return 0, errCollision
		}
		e.doubtful = true // it may have been stored
		rest(ctx, publishRest)
		if ctx.Err() != nil {
			return 0, fault.Unavailable("CART_UNAVAILABLE", "The cart can't be changed at the moment; try again with the same request_id.").WithCause(err)
		}
	}
}

func (s *Store) tryPublish(ctx context.Context, msg *nats.Msg) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	return s.js.PublishMsg(ctx, msg)
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// describe sets the CloudEvents attributes. The id derives from cart and command, so that the stream recognises repeats.
func describe(h nats.Header, cartID string, ev *eventv1.CartEvent) {
	id := cartID + ":" + ev.GetCommandId()
	h.Set(nats.MsgIdHdr, id)
	h.Set("ce-specversion", "1.0")
	h.Set("ce-id", id)
	h.Set("ce-source", "taproom/cart")
	h.Set("ce-type", "taproom.event.v1.CartEvent")
	h.Set("ce-subject", cartID)
	h.Set("ce-time", ev.GetOccurredAt().AsTime().Format(time.RFC3339Nano))
	h.Set(HeaderType, TypeOf(ev))
}

// TypeOf names what happened, such as `item_added`.
func TypeOf(ev *eventv1.CartEvent) string {
	m := ev.ProtoReflect()
	if field := m.WhichOneof(m.Descriptor().Oneofs().ByName("event")); field != nil {
		return string(field.Name())
	}
	return ""
}

// after answers the cart as a command left it; as it is now, when so much came after it that this can't be told any more.
func (s *Store) after(ctx context.Context, e *entry, command domain.Command) (*domain.Cart, error) {
	events, _, err := s.Events(ctx, e.cart.ID)
	if err != nil {
		return nil, err
	}
	cart := &domain.Cart{ID: e.cart.ID}
	for _, ev := range events {
		cart.Apply(ev)
		if ev.GetCommandId() == command.String() {
			return cart, nil
		}
	}
	return e.cart.Clone(), nil
}

// compact replaces the cart's events by a snapshot once they are many. When it fails, the next command tries again: nothing
// depends on it.
func (s *Store) compact(ctx context.Context, e *entry) {
	if e.since < compact {
		return
	}
	events, last, err := s.Events(ctx, e.cart.ID)
	if err != nil || last != e.last {
		return
	}
	ev := domain.Compact(e.cart.ID, events)
	ev.CommandId = fmt.Sprintf("snapshot:%d", e.cart.Version)
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	seq, err := s.publish(ctx, e, ev, nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}})
	if err != nil {
		e.doubtful = true
		return
	}
	e.last, e.since = seq, 0
}

// Purge forgets a cart for good.
func (s *Store) Purge(ctx context.Context, cartID string) error {
	st, err := s.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	if err := st.Purge(ctx, jetstream.WithPurgeSubject(Subject(cartID))); err != nil {
		return err
	}
	s.carts.Remove(cartID)
	return nil
}

// pause waits a moment that grows with the attempts, so that writers of many processes don't collide for ever.
func pause(ctx context.Context, attempt int) error {
	limit := min(time.Millisecond<<min(attempt, 6), 50*time.Millisecond)
	select {
	case <-ctx.Done():
		return fault.Unavailable("CART_BUSY", "Too many changes of this cart at once; try again with the same request_id.").WithCause(ctx.Err())
	case <-time.After(rand.N(limit)): //nolint:gosec // no secret
		return nil
	}
}
