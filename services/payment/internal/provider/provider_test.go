package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/payment/internal/provider"
)

func TestCardsAreChecked(t *testing.T) {
	now := time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)
	good := provider.Card{Number: "4242424242424242", ExpMonth: 2, ExpYear: 2026, CVC: "123"}
	require.NoError(t, good.Check(now))
	amex := provider.Card{Number: "378282246310005", ExpMonth: 2, ExpYear: 2026, CVC: "1234"}
	require.NoError(t, amex.Check(now))
	for field, spoil := range map[string]func(*provider.Card){
		"number":    func(c *provider.Card) { c.Number = "4242424242424243" },
		"exp_month": func(c *provider.Card) { c.ExpMonth = 13 },
		"exp_year":  func(c *provider.Card) { c.ExpMonth = 1 },
		"cvc":       func(c *provider.Card) { c.CVC = "12" },
	} {
		bad := good
		spoil(&bad)
		var wrong *provider.CardError
		require.ErrorAs(t, bad.Check(now), &wrong)
		require.Equal(t, field, wrong.Field)
	}
	for _, number := range []string{"", "42", "4242 4242 4242 4242", "42424242424242424242424242", "abcdefghijklmnop"} {
		require.Error(t, provider.Card{Number: number, ExpMonth: 2, ExpYear: 2026, CVC: "123"}.Check(now), number)
	}
	require.True(t, provider.Expired(2, 2026, now.Add(time.Second)))
}

func TestBrandsAreToldByTheirNumbers(t *testing.T) {
	for number, brand := range map[string]string{
		"4242424242424242": "visa", "5555555555554444": "mastercard", "2223003122003222": "mastercard",
		"378282246310005": "amex", "6011111111111117": "discover", "9999999999999995": "unknown",
	} {
		require.Equal(t, brand, provider.Card{Number: number}.Brand(), number)
	}
}

func TestCardsDontShowThemselves(t *testing.T) {
	card := provider.Card{Number: "4242424242424242", CVC: "123"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, card), "4242")
	}
	require.NotContains(t, card.LogValue().String(), "4242")
}

func TestSecretsAreMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets", "webhook")
	first, err := provider.LoadOrCreateSecret(path)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(first), 32)
	again, err := provider.LoadOrCreateSecret(path)
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = provider.LoadSecret(path)
	require.ErrorContains(t, err, "chmod 600")
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, []byte("short\n"), 0o600))
	_, err = provider.LoadSecret(short)
	require.ErrorContains(t, err, "openssl rand")
	_, err = provider.LoadSecret(filepath.Join(t.TempDir(), "none"))
	require.Error(t, err)
}
