package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// history is a cart with the events that made it, as a stream keeps them.
type history struct {
	cart   *domain.Cart
	events []*eventv1.CartEvent
}

func newHistory() *history { return &history{cart: &domain.Cart{ID: "c"}} }

// do carries a command out as the event store does and returns the event that it made, if any.
func (h *history) do(command domain.Command, decide domain.Decide) (*eventv1.CartEvent, error) {
	if applied, err := h.cart.Applied(command); applied || err != nil {
		return nil, err
	}
	ev, err := decide(h.cart)
	if ev == nil || err != nil {
		return nil, err
	}
	ev = proto.CloneOf(ev)
	ev.CommandId, ev.OccurredAt = command.String(), timestamppb.New(time.Unix(int64(len(h.events)), 0))
	h.cart.Apply(ev)
	h.events = append(h.events, ev)
	return ev, nil
}

// snapshot stands for a stream's events.
func snapshot(stream []*eventv1.CartEvent) *eventv1.CartEvent {
	var events []*eventv1.CartEvent
	for _, ev := range stream {
		events = append(events, domain.Events(ev)...)
	}
	return proto.CloneOf(domain.Compact("c", events))
}

func fold(events []*eventv1.CartEvent) *domain.Cart {
	cart := &domain.Cart{ID: "c"}
	for _, ev := range events {
		cart.Apply(ev)
	}
	return cart
}

func sent(id int) domain.Command { return domain.Command{ID: fmt.Sprint("r", id), Digest: "d"} }

func lines(beerID string, quantity int32) []*eventv1.CartLine {
	return []*eventv1.CartLine{{BeerId: beerID, Quantity: quantity}}
}

// Whatever is repeated in the stream, wherever a snapshot replaces what came before: the fold is the same cart.
func TestTheFoldIgnoresRepeatsAndSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory()
		var stream []*eventv1.CartEvent
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			beer := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "beer")
			n := rapid.Int32Range(1, 600).Draw(t, "n")
			order := fmt.Sprint("o", rapid.IntRange(0, 3).Draw(t, "order"))
			var ev *eventv1.CartEvent
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1:
				ev, _ = h.do(sent(step), domain.Add(beer, n))
			case 2:
				ev, _ = h.do(sent(step), domain.SetQuantity(beer, n))
			case 3:
				ev, _ = h.do(sent(step), domain.Remove(beer))
			case 4:
				ev, _ = h.do(sent(step), domain.Reset())
			case 5:
				ev, _ = h.do(domain.CheckOutCommand(order), domain.CheckOut(order, lines(beer, n)))
			case 6:
				ev, _ = h.do(domain.RestoreCommand(order), domain.Restore(order, lines(beer, n)))
			case 7:
				ev, _ = h.do(domain.Command{ID: fmt.Sprint("merge:", step)}, domain.Merge("guest", lines(beer, n)))
			case 8:
				ev, _ = h.do(domain.Command{ID: fmt.Sprint("handover:", step)}, domain.HandOver("user", "merge:x"))
			case 9:
				stream = []*eventv1.CartEvent{snapshot(stream)}
			}
			if ev != nil {
				stream = append(stream, ev)
			}
			if len(h.events) > 0 && rapid.Bool().Draw(t, "repeat") {
				stream = append(stream, h.events[rapid.IntRange(0, len(h.events)-1).Draw(t, "of")])
			}
		}
		folded := fold(stream)
		require.True(t, proto.Equal(h.cart.Snapshot(), folded.Snapshot()), "%v\n%v", h.cart.Snapshot(), folded.Snapshot())
		require.True(t, h.cart.Version == 0 || h.cart.UpdatedAt.Equal(folded.UpdatedAt))
	})
}

// What an order did to a cart is undone by its restoration exactly, whichever of the two comes first and however often.
func TestAnOrderAndItsCancellationInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory()
		have := rapid.Int32Range(1, domain.MaxQuantity).Draw(t, "have")
		_, err := h.do(sent(0), domain.Add("a", have))
		require.NoError(t, err)
		ordered := lines("a", rapid.Int32Range(1, have).Draw(t, "ordered"))
		seen := map[bool]bool{}
		for _, placed := range append(rapid.SliceOfN(rapid.Bool(), 1, 6).Draw(t, "order"), true, false) {
			seen[placed] = true
			if placed {
				_, err = h.do(domain.CheckOutCommand("o"), domain.CheckOut("o", ordered))
			} else {
				_, err = h.do(domain.RestoreCommand("o"), domain.Restore("o", ordered))
			}
			require.NoError(t, err)
			if seen[false] {
				require.Equal(t, have, h.cart.Quantity("a"), "given back, or never taken")
			} else {
				require.Equal(t, have-ordered[0].GetQuantity(), h.cart.Quantity("a"))
			}
		}
	})
}

func TestOrdersAreRememberedWhateverTheOwnerClicks(t *testing.T) {
	h := newHistory()
	_, err := h.do(domain.CheckOutCommand("o"), domain.CheckOut("o", lines("a", 5)))
	require.NoError(t, err)
	for i := range 1000 {
		_, err := h.do(sent(i), domain.Add("a", 1))
		require.NoError(t, err)
		_, err = h.do(sent(i), domain.Add("a", 1))
		require.NoError(t, err, "a repeat")
		if i%200 == 0 {
			_, err = h.do(sent(1_000_000+i), domain.Remove("a"))
			require.NoError(t, err)
		}
	}
	before := h.cart.Version
	_, err = h.do(domain.CheckOutCommand("o"), domain.CheckOut("o", lines("a", 5)))
	require.NoError(t, err)
	require.Equal(t, before, h.cart.Version)
	require.LessOrEqual(t, len(h.cart.Snapshot().GetRecentCommandIds()), 257, "and memory is bounded")
}

func TestLimits(t *testing.T) {
	h := newHistory()
	for i := range domain.MaxLines {
		_, err := h.do(sent(i), domain.Add(fmt.Sprint("beer", i), 1))
		require.NoError(t, err)
	}
	_, err := h.do(sent(200), domain.Add("one more", 1))
	require.Equal(t, "CART_FULL", fault.ReasonOf(err))
	_, err = h.do(sent(201), domain.Add("beer0", 998))
	require.NoError(t, err, "more of what is there")
	_, err = h.do(sent(202), domain.Add("beer0", 1))
	require.Equal(t, "QUANTITY_TOO_LARGE", fault.ReasonOf(err))
	require.Equal(t, fault.KindFailedPrecondition, fault.KindOf(err))

	// What comes from elsewhere is cut to the bounds instead of refused.
	_, err = h.do(domain.Command{ID: "merge:1"}, domain.Merge("g", append(lines("beer0", 10), lines("one more", 1)...)))
	require.NoError(t, err)
	require.EqualValues(t, domain.MaxQuantity, h.cart.Quantity("beer0"))
	require.Len(t, h.cart.Items, domain.MaxLines)
}

func TestARequestIDIsForOneChange(t *testing.T) {
	h := newHistory()
	_, err := h.do(domain.Command{ID: "r", Digest: "one"}, domain.Add("a", 1))
	require.NoError(t, err)
	_, err = h.do(domain.Command{ID: "r", Digest: "other"}, domain.Add("a", 2))
	require.Equal(t, "REQUEST_ID_REUSED", fault.ReasonOf(err))
	_, err = h.do(domain.Command{ID: "r2", Digest: "one"}, domain.Remove("b"))
	require.Equal(t, "ITEM_NOT_FOUND", fault.ReasonOf(err))
	ev, err := h.do(domain.Command{ID: "r2", Digest: "one"}, domain.Remove("a"))
	require.NoError(t, err)
	require.NotNil(t, ev, "what was refused is not remembered")
	ev, err = h.do(domain.Command{ID: "r3", Digest: "one"}, domain.Reset())
	require.NoError(t, err)
	require.NotNil(t, ev, "it is empty already, and a late repeat must not empty it again")
}
