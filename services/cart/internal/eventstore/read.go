package eventstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	readAtOnce = 256
	readWait   = 2 * time.Second
)

// Recorded is an event in its place.
type Recorded struct {
	Event    *eventv1.CartEvent
	Sequence uint64 // in the stream
}

// Read answers the events of a cart after a sequence, oldest first.
func (s *Store) Read(ctx context.Context, cartID string, after uint64) ([]Recorded, error) {
	var out []Recorded
	for {
		batch, more, err := s.readBatch(ctx, cartID, after)
		if err != nil {
			return nil, fault.Unavailable("CART_UNAVAILABLE", "The cart can't be read at the moment; try again.").WithCause(err)
		}
		out = append(out, batch...)
		if !more {
			return out, nil
		}
		after = out[len(out)-1].Sequence
	}
}

// Events are all events of a cart that are still told apart, oldest first, with the sequence of the last message that holds
// them.
func (s *Store) Events(ctx context.Context, cartID string) (events []*eventv1.CartEvent, last uint64, err error) {
	recorded, err := s.Read(ctx, cartID, 0)
	for _, r := range recorded {
		events, last = append(events, domain.Events(r.Event)...), r.Sequence
	}
	return events, last, err
}

// readBatch asks the stream for many messages of a subject with one request (NATS ADR-31, batched direct get).
func (s *Store) readBatch(ctx context.Context, cartID string, after uint64) (batch []Recorded, more bool, err error) {
	ask, err := json.Marshal(map[string]any{"batch": readAtOnce, "next_by_subj": Subject(cartID), "seq": after + 1})
	if err != nil {
		return nil, false, err
	}
	inbox := s.nats.NewInbox()
	sub, err := s.nats.SubscribeSync(inbox)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := s.nats.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, false, err
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
		case "204": // the end of the batch
			pending, _ := strconv.ParseUint(msg.Header.Get("Nats-Num-Pending"), 10, 64)
			return batch, pending > 0 && len(batch) > 0, nil
		case "404":
			return batch, false, nil
		default:
			return nil, false, fmt.Errorf("reading %s: %s %s", Subject(cartID), status, msg.Header.Get("Description"))
		}
		recorded, err := decode(msg)
		if err != nil {
			return nil, false, err
		}
		batch = append(batch, recorded)
	}
}

func decode(msg *nats.Msg) (Recorded, error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return Recorded{}, fmt.Errorf("a message without a sequence: %w", err)
	}
	ev := &eventv1.CartEvent{}
	if err := proto.Unmarshal(msg.Data, ev); err != nil {
		return Recorded{}, fmt.Errorf("message %d of the stream %s: %w", seq, stream, err)
	}
	return Recorded{Event: ev, Sequence: seq}, nil
}

// refresh folds in what came since the cart was last seen, at least up to the message at the sequence seen. It reads from
// the last event known on: when that is gone, a snapshot replaced it or the cart was purged, and what is there is all
// there is.
//
// Any server that has a copy of the stream answers a read, also one whose copy is behind. So when less is found than is
// known to have been there, the stream's leader says whether that is a purge.
func (s *Store) refresh(ctx context.Context, e *entry, seen uint64) error {
	seen = max(seen, e.last)
	for attempt := 0; ; attempt++ {
		recorded, err := s.Read(ctx, e.cart.ID, max(e.last, 1)-1)
		if err != nil {
			return err
		}
		e.fold(recorded)
		if e.last < seen {
			last, err := s.lastSequence(ctx, e.cart.ID)
			if err != nil {
				return fault.Unavailable("CART_UNAVAILABLE", "The cart can't be read at the moment; try again.").WithCause(err)
			}
			if e.last < last {
				if err := pause(ctx, attempt); err != nil {
					return err
				}
				continue
			}
		}
		e.doubtful = false
		return nil
	}
}

// fold applies what was read from the last event known on.
func (e *entry) fold(recorded []Recorded) {
	if len(recorded) > 0 && recorded[0].Sequence == e.last {
		recorded = recorded[1:]
	} else {
		e.cart, e.last, e.since = &domain.Cart{ID: e.cart.ID}, 0, 0
	}
	for _, r := range recorded {
		e.cart.Apply(r.Event)
		e.last = r.Sequence
		e.since++
		if r.Event.GetSnapshot() != nil {
			e.since = 0
		}
	}
}

// lastSequence asks the stream's leader for the sequence of a cart's last event; 0: it has none.
func (s *Store) lastSequence(ctx context.Context, cartID string) (uint64, error) {
	ask, err := json.Marshal(map[string]any{"last_by_subj": Subject(cartID)})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	msg, err := s.nats.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, ask)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return 0, err
	}
	switch {
	case answer.Error == nil:
		return answer.Message.Sequence, nil
	case answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return 0, nil
	}
	return 0, answer.Error
}

// Carts answers the ids of all carts that have events.
func (s *Store) Carts(ctx context.Context) ([]string, error) {
	carts, err := s.js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	info, err := carts.Info(ctx, jetstream.WithSubjectFilter(Subject("*")))
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		ids = append(ids, strings.TrimPrefix(subject, prefix))
	}
	return ids, nil
}
