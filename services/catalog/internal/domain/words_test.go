package domain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/catalog/internal/domain"
)

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                          {},
		" -- ":                      {},
		"Kölsch vom Faß":            {"kolsch", "vom", "fass"},
		"Rodenbach Grand-Cru 2019!": {"rodenbach", "grand", "cru", "2019"},
		`a" OR "b*`:                 {"a", "or", "b"},
		"Ælfred's Øl":               {"aelfred", "s", "ol"},
		"Żywiec łódź":               {"zywiec", "lodz"},
		"ПИВО":                      {"пиво"},
		"ﬁnish":                     {"finish"},
	} {
		require.Equal(t, want, domain.Words(text), text)
	}
}

func TestWordsAreSafeToQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		for _, word := range domain.Words(text) {
			require.NotEmpty(t, word)
			require.True(t, utf8.ValidString(word))
			require.LessOrEqual(t, len(word), 64)
			require.False(t, strings.ContainsAny(word, "\"'\\ \x00&|!:*()"), "%q", word)
			require.Equal(t, []string{word}, domain.Words(word), "folding twice changes nothing")
		}
	})
}
