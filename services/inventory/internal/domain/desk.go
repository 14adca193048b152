// Package domain holds the rules of stock: what can be reserved, released, shipped and taken back. It knows no transport
// and no database.
package domain

import (
	"slices"
	"strings"
)

// State says where a reservation stands.
type State string

// The states of a reservation. All but Open are final.
const (
	Open     State = "OPEN"
	Released State = "RELEASED" // also when the cancellation came first: then nothing was ever set aside
	Consumed State = "CONSUMED"
	Rejected State = "REJECTED"
)

// Kind says why what is on hand changed.
type Kind string

// The kinds of movements.
const (
	Received Kind = "RECEIVED"
	Adjusted Kind = "ADJUSTED"
	Shipped  Kind = "SHIPPED"
	Returned Kind = "RETURNED"
)

// Line is units of one beer.
type Line struct {
	BeerID   string
	Quantity int32
}

// Stock is what the warehouse has of one beer. 0 <= Reserved <= OnHand.
type Stock struct {
	BeerID   string
	OnHand   int32
	Reserved int32
	Version  int64 // grows with each change
}

// Available is what can still be reserved.
func (s Stock) Available() int32 { return s.OnHand - s.Reserved }

// Reservation is what an order holds. An order has at most one.
type Reservation struct {
	OrderID  string
	State    State
	Lines    []Line
	Returned bool // a consumed reservation's units came back
}

// Movement is a change of what is on hand.
type Movement struct {
	BeerID   string
	Kind     Kind
	Quantity int32 // negative when units left
	OrderID  string
}

// Desk is where a batch of things is done to the stock, on everything that the batch touches. It gathers what has to be
// written: changed stock and reservations, and movements.
type Desk struct {
	stock        map[string]*Stock
	before       map[string]Stock
	reservations map[string]*Reservation
	changed      []string // orders, in the order of their first change
	movements    []Movement
}

// NewDesk opens a desk on the stock and reservations that it may need. Beers and orders that are not among them have
// neither.
func NewDesk(stock []Stock, reservations []Reservation) *Desk {
	d := &Desk{stock: make(map[string]*Stock), before: make(map[string]Stock), reservations: make(map[string]*Reservation)}
	for _, s := range stock {
		d.stock[s.BeerID], d.before[s.BeerID] = &s, s
	}
	for _, r := range reservations {
		d.reservations[r.OrderID] = &r
	}
	return d
}

// Reserve sets every line aside or none. It answers the reservation that the order has from now on and the beers that
// were short; first is false when the order had a reservation before, which then stays as it is.
func (d *Desk) Reserve(orderID string, lines []Line) (r Reservation, short []string, first bool) {
	if known, ok := d.reservations[orderID]; ok {
		return *known, nil, false
	}
	lines = sum(lines)
	for _, line := range lines {
		if d.of(line.BeerID).Available() < line.Quantity {
			short = append(short, line.BeerID)
		}
	}
	state := Open
	if len(short) > 0 {
		state = Rejected
	} else {
		for _, line := range lines {
			d.of(line.BeerID).Reserved += line.Quantity
		}
	}
	return *d.put(Reservation{OrderID: orderID, State: state, Lines: lines}), short, true
}

// Release gives an open reservation back. A cancellation that comes before its order leaves a released reservation behind,
// so that the late order reserves nothing. released says whether units came free.
func (d *Desk) Release(orderID string) (released bool) {
	r, ok := d.reservations[orderID]
	if !ok {
		d.put(Reservation{OrderID: orderID, State: Released})
		return false
	}
	if r.State != Open {
		return false
	}
	for _, line := range r.Lines {
		d.of(line.BeerID).Reserved -= line.Quantity
	}
	r.State = Released
	d.touch(orderID)
	return true
}

// Ship takes the units of an open reservation out of the warehouse: on hand and reserved fall together. It reports
// whether the order has a reservation at all; shipping twice changes nothing.
func (d *Desk) Ship(orderID string) (known bool) {
	r, ok := d.reservations[orderID]
	if !ok {
		return false
	}
	if r.State != Open {
		return true
	}
	for _, line := range r.Lines {
		s := d.of(line.BeerID)
		s.OnHand -= line.Quantity
		s.Reserved -= line.Quantity
		d.movements = append(d.movements, Movement{BeerID: line.BeerID, Kind: Shipped, Quantity: -line.Quantity, OrderID: orderID})
	}
	r.State = Consumed
	d.touch(orderID)
	return true
}

// TakeBack puts the units of a shipped reservation back. It reports whether that is settled, which it is not before they are
// known to have left; taking back twice changes nothing. When the order's cancellation overtook its hand-over, the
// reservation was released and the units never left the books: then there is nothing to put back.
func (d *Desk) TakeBack(orderID string) (settled bool) {
	r, ok := d.reservations[orderID]
	if !ok || r.State == Open {
		return false
	}
	if r.State != Consumed || r.Returned {
		return true
	}
	for _, line := range r.Lines {
		d.of(line.BeerID).OnHand += line.Quantity
		d.movements = append(d.movements, Movement{BeerID: line.BeerID, Kind: Returned, Quantity: line.Quantity, OrderID: orderID})
	}
	r.Returned = true
	d.touch(orderID)
	return true
}

// maxOnHand bounds what the warehouse can have of a beer.
const maxOnHand = 1_000_000_000

// Adjust adds delta to what is on hand. It refuses, and changes nothing, when less would be left than is reserved or more
// than the warehouse can hold.
func (d *Desk) Adjust(beerID string, kind Kind, delta int32) (Stock, bool) {
	s := d.of(beerID)
	after := int64(s.OnHand) + int64(delta)
	if after < int64(s.Reserved) || after > maxOnHand {
		return *s, false
	}
	s.OnHand = int32(after)
	d.movements = append(d.movements, Movement{BeerID: beerID, Kind: kind, Quantity: delta})
	return *s, true
}

// ChangedStock answers the stock that is not as it was, sorted by beer, with its next version.
func (d *Desk) ChangedStock() []Stock {
	var out []Stock
	for id, s := range d.stock {
		if s.OnHand != d.before[id].OnHand || s.Reserved != d.before[id].Reserved {
			next := *s
			next.Version++
			out = append(out, next)
		}
	}
	slices.SortFunc(out, func(a, b Stock) int { return strings.Compare(a.BeerID, b.BeerID) })
	return out
}

// Before answers what the stock of a beer was when the desk opened.
func (d *Desk) Before(beerID string) Stock {
	if s, ok := d.before[beerID]; ok {
		return s
	}
	return Stock{BeerID: beerID}
}

// ChangedReservations answers new and changed reservations, in the order of their first change.
func (d *Desk) ChangedReservations() []Reservation {
	out := make([]Reservation, len(d.changed))
	for i, id := range d.changed {
		out[i] = *d.reservations[id]
	}
	return out
}

// Movements answers what moved, in order.
func (d *Desk) Movements() []Movement { return d.movements }

func (d *Desk) of(beerID string) *Stock {
	if s, ok := d.stock[beerID]; ok {
		return s
	}
	s := &Stock{BeerID: beerID}
	d.stock[beerID] = s
	return s
}

func (d *Desk) put(r Reservation) *Reservation {
	d.reservations[r.OrderID] = &r
	d.touch(r.OrderID)
	return &r
}

func (d *Desk) touch(orderID string) {
	if !slices.Contains(d.changed, orderID) {
		d.changed = append(d.changed, orderID)
	}
}

// sum adds up lines of the same beer and sorts them.
func sum(lines []Line) []Line {
	units := make(map[string]int32, len(lines))
	for _, line := range lines {
		units[line.BeerID] += line.Quantity
	}
	out := make([]Line, 0, len(units))
	for id, n := range units {
		out = append(out, Line{BeerID: id, Quantity: n})
	}
	slices.SortFunc(out, func(a, b Line) int { return strings.Compare(a.BeerID, b.BeerID) })
	return out
}
