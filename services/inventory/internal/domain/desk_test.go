package domain_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/inventory/internal/domain"
)

func stockOf(t require.TestingT, d *domain.Desk, beerID string) domain.Stock {
	for _, s := range d.ChangedStock() {
		if s.BeerID == beerID {
			return s
		}
	}
	return d.Before(beerID)
}

func TestAllLinesOrNone(t *testing.T) {
	d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 5}, {BeerID: "b", OnHand: 1}}, nil)
	r, short, first := d.Reserve("o1", []domain.Line{{"a", 2}, {"b", 2}})
	require.True(t, first)
	require.Equal(t, domain.Rejected, r.State)
	require.Equal(t, []string{"b"}, short)
	require.Empty(t, d.ChangedStock())

	r, short, _ = d.Reserve("o2", []domain.Line{{"a", 2}, {"b", 1}})
	require.Equal(t, domain.Open, r.State)
	require.Empty(t, short)
	require.EqualValues(t, 3, stockOf(t, d, "a").Available())
}

func TestLinesOfTheSameBeerCountTogether(t *testing.T) {
	d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 3}}, nil)
	_, short, _ := d.Reserve("o1", []domain.Line{{"a", 2}, {"a", 2}})
	require.Equal(t, []string{"a"}, short)
}

func TestTheCancellationMayComeFirst(t *testing.T) {
	d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 5}}, nil)
	require.False(t, d.Release("o1"))
	r, _, first := d.Reserve("o1", []domain.Line{{"a", 2}})
	require.False(t, first)
	require.Equal(t, domain.Released, r.State)
	require.Empty(t, d.ChangedStock())
}

func TestShippingTakesOnHandAndReservedDownTogether(t *testing.T) {
	d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 5}}, nil)
	require.False(t, d.Ship("o1"), "nothing is known of it")
	d.Reserve("o1", []domain.Line{{"a", 2}})
	require.True(t, d.Ship("o1"))
	require.True(t, d.Ship("o1"), "again")
	require.False(t, d.Release("o1"), "too late")
	s := stockOf(t, d, "a")
	require.EqualValues(t, 3, s.OnHand)
	require.Zero(t, s.Reserved)
	require.True(t, d.TakeBack("o1"))
	require.True(t, d.TakeBack("o1"), "again")
	require.EqualValues(t, 5, d.Before("a").OnHand)
	require.Len(t, d.Movements(), 2)
}

func TestAdjustKeepsWhatIsReserved(t *testing.T) {
	d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 5, Reserved: 3}}, nil)
	_, ok := d.Adjust("a", domain.Adjusted, -3)
	require.False(t, ok)
	s, ok := d.Adjust("a", domain.Adjusted, -2)
	require.True(t, ok)
	require.Zero(t, s.Available())
	_, ok = d.Adjust("a", domain.Received, 2_000_000_000)
	require.False(t, ok)
}

// Whatever is done, in whatever order and however often: nothing is negative, what is reserved is what open reservations
// hold, and what is on hand is what movements make of the beginning.
func TestStockAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := domain.NewDesk([]domain.Stock{{BeerID: "a", OnHand: 6}, {BeerID: "b", OnHand: 4}}, nil)
		orders := rapid.IntRange(0, 5)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := fmt.Sprintf("o%d", orders.Draw(t, "order"))
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				d.Reserve(id, []domain.Line{{"a", rapid.Int32Range(1, 3).Draw(t, "a")}, {"b", rapid.Int32Range(1, 3).Draw(t, "b")}})
			case 1:
				d.Release(id)
			case 2:
				d.Ship(id)
			case 3:
				d.TakeBack(id)
			case 4:
				d.Adjust("a", domain.Adjusted, rapid.Int32Range(-3, 3).Draw(t, "delta"))
			}
			check(t, d)
		}
	})
}

func check(t *rapid.T, d *domain.Desk) {
	for _, beer := range []string{"a", "b"} {
		s, reserved, onHand := stockOf(t, d, beer), int32(0), d.Before(beer).OnHand
		for _, r := range d.ChangedReservations() {
			for _, line := range r.Lines {
				if line.BeerID == beer && r.State == domain.Open {
					reserved += line.Quantity
				}
			}
		}
		for _, m := range d.Movements() {
			if m.BeerID == beer {
				onHand += m.Quantity
			}
		}
		require.Equal(t, reserved, s.Reserved, beer)
		require.Equal(t, onHand, s.OnHand, beer)
		require.GreaterOrEqual(t, s.Available(), int32(0), beer)
	}
}
