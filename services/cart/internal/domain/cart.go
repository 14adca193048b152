// Package domain holds the rules of a cart: which events a command makes, and what events make of a cart. It knows no
// transport and no database.
package domain

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	// MaxLines is how many beers a cart may have.
	MaxLines = 100
	// MaxQuantity is how many units of a beer a cart may have.
	MaxQuantity = 999

	// remembered is how many commands of each kind a cart remembers, to ignore their repeats: those that its owner sent, and
	// those that follow from orders and merges. However much somebody clicks, what an order did is not done again.
	remembered = 256
	// kept is how many events a snapshot keeps as they are.
	kept = 32
)

// Item is units of one beer.
type Item struct {
	BeerID   string
	Quantity int32
}

// Cart is what its events made of it. It has its owner's id. The zero Cart, with an id, was never used.
type Cart struct {
	ID        string
	Items     []Item // in the order of adding
	Version   int64  // number of events
	UpdatedAt time.Time
	Guest     bool

	handedOver *eventv1.CartHandedOver
	commands   []string // the newest ones, oldest first
}

// Applied reports whether the cart remembers the command.
func (c *Cart) Applied(command Command) (applied bool, err error) {
	for _, known := range c.commands {
		if idOf(known) == command.ID {
			if known != command.String() {
				return false, fault.AlreadyExists("REQUEST_ID_REUSED", "Another change of the cart was made with this request_id; make up a new one.")
			}
			return true, nil
		}
	}
	return false, nil
}

// remembers reports whether a command was carried out, whatever its digest.
func (c *Cart) remembers(id string) bool {
	return slices.ContainsFunc(c.commands, func(known string) bool { return idOf(known) == id })
}

// HandedOver is the cart's last hand-over to another cart, or nil.
func (c *Cart) HandedOver() *eventv1.CartHandedOver { return c.handedOver }

// Quantity is how many units of a beer are in the cart.
func (c *Cart) Quantity(beerID string) int32 {
	if i := c.index(beerID); i >= 0 {
		return c.Items[i].Quantity
	}
	return 0
}

// Lines are the cart's items as events carry them.
func (c *Cart) Lines() []*eventv1.CartLine {
	lines := make([]*eventv1.CartLine, len(c.Items))
	for i, item := range c.Items {
		lines[i] = &eventv1.CartLine{BeerId: item.BeerID, Quantity: item.Quantity}
	}
	return lines
}

// Snapshot is the state so far.
func (c *Cart) Snapshot() *eventv1.CartSnapshot {
	return &eventv1.CartSnapshot{Lines: c.Lines(), RecentCommandIds: slices.Clone(c.commands), Version: c.Version, HandedOver: c.handedOver}
}

// Clone copies the cart, so that the copy can be changed.
func (c *Cart) Clone() *Cart {
	out := *c
	out.Items, out.commands = slices.Clone(c.Items), slices.Clone(c.commands)
	return &out
}

// Events are what stands in the stream for a cart: a snapshot is the state that it begins with and the events that it kept,
// any other event is itself.
func Events(ev *eventv1.CartEvent) []*eventv1.CartEvent {
	recent := ev.GetSnapshot().GetRecentEvents()
	if len(recent) == 0 {
		return []*eventv1.CartEvent{ev}
	}
	base := proto.CloneOf(ev)
	base.GetSnapshot().RecentEvents = nil
	return append([]*eventv1.CartEvent{base}, recent...)
}

// Compact is a snapshot that stands for all events of a cart, which are given in order. The newest ones stay in it as they
// are, so that their commands can still be answered as they were at first.
func Compact(cartID string, events []*eventv1.CartEvent) *eventv1.CartEvent {
	recent := max(len(events)-kept, 0)
	base := &Cart{ID: cartID}
	for _, ev := range events[:recent] {
		base.Apply(ev)
	}
	snapshot := base.Snapshot()
	snapshot.RecentEvents = events[recent:]
	return &eventv1.CartEvent{
		OccurredAt: timestamppb.New(base.UpdatedAt), Guest: base.Guest,
		Event: &eventv1.CartEvent_Snapshot{Snapshot: snapshot},
	}
}

// Apply makes an event's change. The repeat of a remembered command changes nothing: an append whose acknowledgement was
// lost may stand in the stream twice.
func (c *Cart) Apply(ev *eventv1.CartEvent) {
	if snapshot := ev.GetSnapshot(); snapshot != nil {
		c.restore(snapshot)
		c.UpdatedAt, c.Guest = ev.GetOccurredAt().AsTime(), ev.GetGuest()
		for _, ev := range snapshot.GetRecentEvents() {
			c.Apply(ev)
		}
		return
	}
	if slices.Contains(c.commands, ev.GetCommandId()) {
		return
	}
	c.remember(ev.GetCommandId())
	c.Version++
	c.UpdatedAt, c.Guest = ev.GetOccurredAt().AsTime(), ev.GetGuest()
	c.change(ev)
}

// remember adds a command and forgets the oldest of its kind when there are too many.
func (c *Cart) remember(command string) {
	sent := wasSent(command)
	oldest, count := -1, 0
	for i, known := range c.commands {
		if wasSent(known) == sent {
			if count++; oldest < 0 {
				oldest = i
			}
		}
	}
	if count >= remembered {
		c.commands = slices.Delete(c.commands, oldest, oldest+1)
	}
	c.commands = append(c.commands, command)
}

func (c *Cart) change(ev *eventv1.CartEvent) {
	switch e := ev.GetEvent().(type) {
	case *eventv1.CartEvent_ItemAdded:
		c.add(e.ItemAdded.GetBeerId(), e.ItemAdded.GetQuantity())
	case *eventv1.CartEvent_QuantityChanged:
		if i := c.index(e.QuantityChanged.GetBeerId()); i >= 0 {
			c.Items[i].Quantity = e.QuantityChanged.GetQuantity()
		}
	case *eventv1.CartEvent_ItemRemoved:
		c.remove(e.ItemRemoved.GetBeerId())
	case *eventv1.CartEvent_Reset_:
		c.Items = nil
	case *eventv1.CartEvent_Merged:
		c.addAll(e.Merged.GetLines())
	case *eventv1.CartEvent_CheckedOut:
		for _, line := range e.CheckedOut.GetLines() {
			c.take(line.GetBeerId(), line.GetQuantity())
		}
	case *eventv1.CartEvent_Restored:
		c.addAll(e.Restored.GetLines())
	case *eventv1.CartEvent_HandedOver:
		c.Items, c.handedOver = nil, e.HandedOver
	}
}

func (c *Cart) restore(s *eventv1.CartSnapshot) {
	c.Items = make([]Item, len(s.GetLines()))
	for i, line := range s.GetLines() {
		c.Items[i] = Item{BeerID: line.GetBeerId(), Quantity: line.GetQuantity()}
	}
	c.commands, c.Version, c.handedOver = slices.Clone(s.GetRecentCommandIds()), s.GetVersion(), s.GetHandedOver()
}

func (c *Cart) index(beerID string) int {
	return slices.IndexFunc(c.Items, func(item Item) bool { return item.BeerID == beerID })
}

func (c *Cart) addAll(lines []*eventv1.CartLine) {
	for _, line := range lines {
		c.add(line.GetBeerId(), line.GetQuantity())
	}
}

// add adds units up to the bounds. Commands refuse to go beyond them; what was merged or restored is cut.
func (c *Cart) add(beerID string, quantity int32) {
	if i := c.index(beerID); i >= 0 {
		c.Items[i].Quantity = min(c.Items[i].Quantity+quantity, MaxQuantity)
		return
	}
	if len(c.Items) < MaxLines {
		c.Items = append(c.Items, Item{BeerID: beerID, Quantity: min(quantity, MaxQuantity)})
	}
}

func (c *Cart) take(beerID string, quantity int32) {
	i := c.index(beerID)
	if i < 0 {
		return
	}
	if c.Items[i].Quantity -= quantity; c.Items[i].Quantity <= 0 {
		c.remove(beerID)
	}
}

func (c *Cart) remove(beerID string) {
	c.Items = slices.DeleteFunc(c.Items, func(item Item) bool { return item.BeerID == beerID })
}
