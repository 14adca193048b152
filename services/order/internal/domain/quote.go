package domain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"math"
	"slices"
	"strings"
)

// Line is one beer of an order. Money is in minor units of the order's currency.
type Line struct {
	BeerID    string
	BeerName  string
	Quantity  int32
	UnitPrice int64
}

// Total is the price of all units of the line. NewQuote has checked that it does not overflow.
func (l Line) Total() int64 { return l.UnitPrice * int64(l.Quantity) }

// Shipping is what a shipping method charges, in minor units.
type Shipping struct {
	MethodID string
	Rate     int64
	FreeFrom int64 // orders of at least this much ship free; 0: never
}

// Cost is what shipping an order of this subtotal costs.
func (s Shipping) Cost(subtotal int64) int64 {
	if s.FreeFrom > 0 && subtotal >= s.FreeFrom {
		return 0
	}
	return s.Rate
}

// Quote is what an order costs, in minor units of its currency.
type Quote struct {
	Lines       []Line
	Subtotal    int64
	Shipping    int64
	Total       int64
	Currency    string
	MethodID    string
	Country     string
	CartVersion int64
}

// ErrTooExpensive says that an order is worth more than can be counted.
var ErrTooExpensive = errors.New("the order's total is too large")

// NewQuote adds up lines and shipping. The lines are sorted by beer, so that the same cart always gives the same
// quote. It fails with ErrTooExpensive.
func NewQuote(lines []Line, shipping Shipping, currency, country string, cartVersion int64) (Quote, error) {
	q := Quote{Lines: slices.Clone(lines), Currency: currency, MethodID: shipping.MethodID, Country: country, CartVersion: cartVersion}
	slices.SortFunc(q.Lines, func(a, b Line) int { return strings.Compare(a.BeerID, b.BeerID) })
	for _, line := range q.Lines {
		if line.UnitPrice > math.MaxInt64/4/int64(max(line.Quantity, 1)) || q.Subtotal > math.MaxInt64/4 {
			return Quote{}, ErrTooExpensive
		}
		q.Subtotal += line.Total()
	}
	q.Shipping = shipping.Cost(q.Subtotal)
	if q.Shipping > math.MaxInt64-q.Subtotal {
		return Quote{}, ErrTooExpensive
	}
	q.Total = q.Subtotal + q.Shipping
	return q, nil
}

// Digest is a fingerprint of everything that the customer agrees to: SHA-256, in hexadecimal.
func (q Quote) Digest() string {
	h := sha256.New()
	writeStrings(h, q.Currency, q.MethodID, q.Country)
	writeInts(h, q.Subtotal, q.Shipping, q.Total, q.CartVersion, int64(len(q.Lines)))
	for _, line := range q.Lines {
		writeStrings(h, line.BeerID)
		writeInts(h, int64(line.Quantity), line.UnitPrice)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeStrings frames each string by its length, so that no two quotes run together into the same bytes.
func writeStrings(h hash.Hash, values ...string) {
	for _, v := range values {
		writeInts(h, int64(len(v)))
		h.Write([]byte(v))
	}
}

func writeInts(h hash.Hash, values ...int64) {
	var buf [8]byte
	for _, v := range values {
		binary.BigEndian.PutUint64(buf[:], uint64(v))
		h.Write(buf[:])
	}
}
