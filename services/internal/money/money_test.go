package money_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/internal/money"
)

// amounts draws from all of int64 with a liking for its ends and for what multiplies to about them.
var amounts = rapid.OneOf(
	rapid.Int64(),
	rapid.Int64Range(-1000, 1000),
	rapid.Int64Range(math.MinInt64, math.MinInt64+3),
	rapid.Int64Range(math.MaxInt64-3, math.MaxInt64),
	rapid.Int64Range(-1<<32-3, -1<<31+3),
	rapid.Int64Range(1<<31-3, 1<<32+3),
)

func TestArithmeticIsExactOrRefused(t *testing.T) {
	operations := map[string]struct {
		money func(a, b int64) (money.Money, error)
		exact func(z, a, b *big.Int) *big.Int
	}{
		"add": {func(a, b int64) (money.Money, error) { return money.New(a, "EUR").Add(money.New(b, "EUR")) }, (*big.Int).Add},
		"sub": {func(a, b int64) (money.Money, error) { return money.New(a, "EUR").Sub(money.New(b, "EUR")) }, (*big.Int).Sub},
		"mul": {func(a, b int64) (money.Money, error) { return money.New(a, "EUR").Mul(b) }, (*big.Int).Mul},
		"neg": {
			func(a, _ int64) (money.Money, error) { return money.New(a, "EUR").Neg() },
			func(z, a, _ *big.Int) *big.Int { return z.Neg(a) },
		},
	}
	for name, operation := range operations {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a, b := amounts.Draw(t, "a"), amounts.Draw(t, "b")
			exact := operation.exact(new(big.Int), big.NewInt(a), big.NewInt(b))
			got, err := operation.money(a, b)
			if !exact.IsInt64() {
				require.ErrorIs(t, err, money.ErrOverflow)
				return
			}
			require.NoError(t, err)
			require.Equal(t, money.New(exact.Int64(), "EUR"), got)
		}))
	}
}

func TestCurrenciesDoNotMix(t *testing.T) {
	euro, dollar := money.New(100, "EUR"), money.New(100, "USD")
	_, err := euro.Add(dollar)
	require.ErrorIs(t, err, money.ErrCurrency)
	_, err = euro.Sub(dollar)
	require.ErrorIs(t, err, money.ErrCurrency)
	_, err = euro.Cmp(dollar)
	require.ErrorIs(t, err, money.ErrCurrency)
	_, err = money.Sum("EUR", euro, dollar)
	require.ErrorIs(t, err, money.ErrCurrency)
}

func TestSum(t *testing.T) {
	sum, err := money.Sum("EUR", money.New(499, "EUR"), money.New(-99, "EUR"), money.New(250, "EUR"))
	require.NoError(t, err)
	require.Equal(t, money.New(650, "EUR"), sum)

	none, err := money.Sum("EUR")
	require.NoError(t, err)
	require.Equal(t, money.Zero("EUR"), none)
	require.True(t, none.IsZero())

	_, err = money.Sum("EUR", money.New(math.MaxInt64, "EUR"), money.New(1, "EUR"))
	require.ErrorIs(t, err, money.ErrOverflow)
}

func TestComparing(t *testing.T) {
	for _, c := range []struct {
		a, b int64
		want int
	}{{1, 2, -1}, {2, 2, 0}, {3, 2, 1}, {-5, 5, -1}} {
		got, err := money.New(c.a, "EUR").Cmp(money.New(c.b, "EUR"))
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	require.True(t, money.New(-1, "EUR").IsNegative())
	require.False(t, money.Zero("EUR").IsNegative())
}

func TestProtoRoundTrip(t *testing.T) {
	amount := money.New(-1250, "EUR")
	require.Equal(t, amount, money.FromProto(amount.Proto()))
	require.Equal(t, money.Money{}, money.FromProto(nil))
}
