package domain_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/order/internal/domain"
)

func TestQuoteAddsUp(t *testing.T) {
	lines := []domain.Line{{BeerID: "b", Quantity: 2, UnitPrice: 350}, {BeerID: "a", Quantity: 1, UnitPrice: 1200}}
	q, err := domain.NewQuote(lines, domain.Shipping{MethodID: "standard", Rate: 490, FreeFrom: 5000}, "EUR", "DE", 7)
	require.NoError(t, err)
	require.EqualValues(t, 1900, q.Subtotal)
	require.EqualValues(t, 490, q.Shipping)
	require.EqualValues(t, 2390, q.Total)
	require.Equal(t, "a", q.Lines[0].BeerID)

	free, err := domain.NewQuote(lines, domain.Shipping{MethodID: "standard", Rate: 490, FreeFrom: 1900}, "EUR", "DE", 7)
	require.NoError(t, err)
	require.Zero(t, free.Shipping)
}

func TestDigestCoversWhatTheCustomerAgreesTo(t *testing.T) {
	lines := []domain.Line{{BeerID: "a", Quantity: 1, UnitPrice: 100}, {BeerID: "b", Quantity: 2, UnitPrice: 200}}
	quote := func(change func(*domain.Quote)) string {
		q, err := domain.NewQuote(lines, domain.Shipping{MethodID: "standard", Rate: 490}, "EUR", "DE", 7)
		require.NoError(t, err)
		q.Lines = slices.Clone(q.Lines)
		change(&q)
		return q.Digest()
	}
	same := quote(func(*domain.Quote) {})
	require.Equal(t, same, quote(func(q *domain.Quote) { q.Lines[0].BeerName = "renamed" }), "a name costs nothing")
	for name, change := range map[string]func(*domain.Quote){
		"price":    func(q *domain.Quote) { q.Lines[0].UnitPrice++ },
		"quantity": func(q *domain.Quote) { q.Lines[1].Quantity++ },
		"beer":     func(q *domain.Quote) { q.Lines[1].BeerID = "c" },
		"shipping": func(q *domain.Quote) { q.Shipping++ },
		"method":   func(q *domain.Quote) { q.MethodID = "express" },
		"country":  func(q *domain.Quote) { q.Country = "FR" },
		"cart":     func(q *domain.Quote) { q.CartVersion++ },
	} {
		require.NotEqual(t, same, quote(change), name)
	}
}

func TestQuoteRefusesWhatCanNotBeCounted(t *testing.T) {
	_, err := domain.NewQuote([]domain.Line{{BeerID: "a", Quantity: 999, UnitPrice: math.MaxInt64 / 100}}, domain.Shipping{}, "EUR", "DE", 1)
	require.ErrorIs(t, err, domain.ErrTooExpensive)
}
