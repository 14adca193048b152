// Package money calculates with amounts of money: whole minor units of one currency, never fractions, never two
// currencies at once, never past the bounds of 64 bits.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
)

// Errors of the arithmetic; a result that comes with one is meaningless.
var (
	ErrOverflow = errors.New("amount of money is out of range")
	ErrCurrency = errors.New("amounts of money are in different currencies")
)

// Money is an amount in minor units (cents for EUR) of an ISO 4217 currency.
type Money struct {
	Minor    int64
	Currency string
}

// New returns an amount.
func New(minor int64, currency string) Money { return Money{Minor: minor, Currency: currency} }

// Zero returns no money of a currency.
func Zero(currency string) Money { return Money{Currency: currency} }

// FromProto returns the amount that m holds; nil is no money of no currency.
func FromProto(m *typev1.Money) Money {
	return Money{Minor: m.GetMinorUnits(), Currency: m.GetCurrency()}
}

// Proto returns the amount as a message.
func (m Money) Proto() *typev1.Money {
	return &typev1.Money{MinorUnits: m.Minor, Currency: m.Currency}
}

// IsZero reports whether it is no money, of any currency.
func (m Money) IsZero() bool { return m.Minor == 0 }

// IsNegative reports whether it is less than none.
func (m Money) IsNegative() bool { return m.Minor < 0 }

// Add returns m + other.
func (m Money) Add(other Money) (Money, error) {
	if err := m.sameCurrency(other); err != nil {
		return Money{}, err
	}
	sum := m.Minor + other.Minor
	if (m.Minor^sum)&(other.Minor^sum) < 0 { // both differ in sign from their sum
		return Money{}, fmt.Errorf("%w: %d + %d", ErrOverflow, m.Minor, other.Minor)
	}
	return Money{Minor: sum, Currency: m.Currency}, nil
}

// Sub returns m - other.
func (m Money) Sub(other Money) (Money, error) {
	if err := m.sameCurrency(other); err != nil {
		return Money{}, err
	}
	difference := m.Minor - other.Minor
	if (m.Minor^other.Minor)&(m.Minor^difference) < 0 {
		return Money{}, fmt.Errorf("%w: %d - %d", ErrOverflow, m.Minor, other.Minor)
	}
	return Money{Minor: difference, Currency: m.Currency}, nil
}

// Mul returns the price of quantity units at m each.
func (m Money) Mul(quantity int64) (Money, error) {
	negative := (m.Minor < 0) != (quantity < 0)
	high, low := bits.Mul64(magnitude(m.Minor), magnitude(quantity))
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if high != 0 || low > limit {
		return Money{}, fmt.Errorf("%w: %d * %d", ErrOverflow, m.Minor, quantity)
	}
	product := int64(low) // 1<<63 wraps to the smallest int64, which is its own negation
	if negative {
		product = -product
	}
	return Money{Minor: product, Currency: m.Currency}, nil
}

// Neg returns -m.
func (m Money) Neg() (Money, error) { return m.Mul(-1) }

// Cmp returns -1, 0 or 1 as m is less than, equal to or more than other.
func (m Money) Cmp(other Money) (int, error) {
	if err := m.sameCurrency(other); err != nil {
		return 0, err
	}
	return cmp.Compare(m.Minor, other.Minor), nil
}

// Sum returns the sum of amounts of one currency, which is Zero(currency) when there are none.
func Sum(currency string, amounts ...Money) (Money, error) {
	sum := Zero(currency)
	for _, amount := range amounts {
		var err error
		if sum, err = sum.Add(amount); err != nil {
			return Money{}, err
		}
	}
	return sum, nil
}

func (m Money) sameCurrency(other Money) error {
	if m.Currency != other.Currency {
		return fmt.Errorf("%w: %q and %q", ErrCurrency, m.Currency, other.Currency)
	}
	return nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
