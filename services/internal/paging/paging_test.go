package paging_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/paging"
)

type keyset struct {
	CreatedAt time.Time
	ID        string
}

func TestTokenRoundTrip(t *testing.T) {
	given := keyset{CreatedAt: time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC), ID: "b/+1"}
	token := paging.Encode(given)
	require.NotContains(t, token, "b/+1", "the token is opaque")

	var got keyset
	require.NoError(t, paging.Decode(token, &got))
	require.Equal(t, given, got)
}

func TestEmptyTokenIsTheFirstPage(t *testing.T) {
	got := keyset{ID: "untouched"}
	require.NoError(t, paging.Decode("", &got))
	require.Equal(t, "untouched", got.ID)
}

func TestForeignTokensAreRefused(t *testing.T) {
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, token := range map[string]string{
		"not base64":     "%%%",
		"not json":       encode("hello"),
		"other keyset":   paging.Encode(struct{ Price int }{5}),
		"two values":     encode(`{"ID":"a"}{"ID":"b"}`),
		"wrong type":     encode(`{"ID":5}`),
		"far too long":   strings.Repeat("A", 5000),
		"padded base 64": base64.URLEncoding.EncodeToString([]byte(`{"ID":"abcd"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			err := paging.Decode(token, &keyset{})
			require.Equal(t, fault.KindInvalid, fault.KindOf(err))
			require.Equal(t, "PAGE_TOKEN_INVALID", fault.ReasonOf(err))
		})
	}
}

func TestSizeIsBounded(t *testing.T) {
	for asked, given := range map[int32]int{-1: 20, 0: 20, 1: 1, 100: 100, 101: 100, 1 << 30: 100} {
		require.Equal(t, given, paging.Size(asked), "asked for %d", asked)
	}
}
