package domain

import (
	"strings"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Command identifies a change of a cart. A command that its owner sent has the method in its id and a digest, which tells a
// repetition from another change under the same id; one that follows from an order or a merge has none, since its id says
// everything.
type Command struct {
	ID     string
	Digest string
}

// String is how events and carts remember the command.
func (c Command) String() string {
	if c.Digest == "" {
		return c.ID
	}
	return c.ID + "#" + c.Digest
}

func idOf(command string) string {
	id, _, _ := strings.Cut(command, "#")
	return id
}

func wasSent(command string) bool { return strings.Contains(command, "#") }

// CheckOutCommand is the command by which a cart gives up what an order took.
func CheckOutCommand(orderID string) Command { return Command{ID: "checkout:" + orderID} }

// RestoreCommand is the command by which a cart takes back what a cancelled order had taken.
func RestoreCommand(orderID string) Command { return Command{ID: "restore:" + orderID} }

// Decide looks at a cart and answers the event that a command makes of it, without its envelope; nil means that there is
// nothing to do. It fails with a fault and must not change the cart.
type Decide func(c *Cart) (*eventv1.CartEvent, error)

// Add adds units of a beer.
func Add(beerID string, quantity int32) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		have := c.Quantity(beerID)
		if have == 0 && len(c.Items) >= MaxLines {
			return nil, fault.FailedPrecondition("CART_FULL", "The cart holds %d beers, which is the most; take one out first.", MaxLines)
		}
		if have+quantity > MaxQuantity {
			return nil, fault.FailedPrecondition("QUANTITY_TOO_LARGE", "The cart may hold %d units of a beer; it has %d.", MaxQuantity, have)
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_ItemAdded{ItemAdded: &eventv1.CartItemAdded{BeerId: beerID, Quantity: quantity}}}, nil
	}
}

// SetQuantity sets the units of a line that is there.
func SetQuantity(beerID string, quantity int32) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		if c.Quantity(beerID) == 0 {
			return nil, notInCart(beerID)
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_QuantityChanged{QuantityChanged: &eventv1.CartQuantityChanged{BeerId: beerID, Quantity: quantity}}}, nil
	}
}

// Remove removes a line that is there.
func Remove(beerID string) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		if c.Quantity(beerID) == 0 {
			return nil, notInCart(beerID)
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_ItemRemoved{ItemRemoved: &eventv1.CartItemRemoved{BeerId: beerID}}}, nil
	}
}

// Reset empties the cart. It is an event of an empty one too: else a late repeat would take out what was put in since.
func Reset() Decide {
	return always(&eventv1.CartEvent{Event: &eventv1.CartEvent_Reset_{Reset_: &eventv1.CartReset{}}})
}

// HandOver gives all lines of a guest's cart to another cart, which takes them in by the command mergeID. An empty cart
// gives nothing.
func HandOver(toCartID, mergeID string) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		if len(c.Items) == 0 {
			return nil, nil
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_HandedOver{HandedOver: &eventv1.CartHandedOver{
			ToCartId: toCartID, Lines: c.Lines(), MergeCommandId: mergeID,
		}}}, nil
	}
}

// Merge takes in what another cart handed over.
func Merge(fromCartID string, lines []*eventv1.CartLine) Decide {
	return always(&eventv1.CartEvent{Event: &eventv1.CartEvent_Merged{Merged: &eventv1.CartMerged{FromCartId: fromCartID, Lines: lines}}})
}

// CheckOut gives up what was ordered, unless the order was cancelled before the cart saw it: then there is nothing to do.
func CheckOut(orderID string, lines []*eventv1.CartLine) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		if c.remembers(RestoreCommand(orderID).ID) {
			return nil, nil
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_CheckedOut{CheckedOut: &eventv1.CartCheckedOut{OrderId: orderID, Lines: lines}}}, nil
	}
}

// Restore takes back what a cancelled order had taken. When the cancellation comes first it takes nothing back and leaves
// an event without lines behind, because of which the late order takes nothing either.
func Restore(orderID string, lines []*eventv1.CartLine) Decide {
	return func(c *Cart) (*eventv1.CartEvent, error) {
		restored := &eventv1.CartRestored{OrderId: orderID}
		if c.remembers(CheckOutCommand(orderID).ID) {
			restored.Lines = lines
		}
		return &eventv1.CartEvent{Event: &eventv1.CartEvent_Restored{Restored: restored}}, nil
	}
}

func always(ev *eventv1.CartEvent) Decide {
	return func(*Cart) (*eventv1.CartEvent, error) { return ev, nil }
}

func notInCart(beerID string) error {
	return fault.NotFound("ITEM_NOT_FOUND", "Beer %s is not in the cart.", beerID)
}
