package password_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/user/internal/password"
)

var cheap = password.Params{MemoryKiB: 8, Passes: 1, Threads: 1}

func TestVerify(t *testing.T) {
	h := password.NewHasher(cheap, 1)
	hash, err := h.Hash(t.Context(), "tangible-otter")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=8,t=1,p=1$"), hash)

	for given, want := range map[string]bool{"tangible-otter": true, "tangible-Otter": false, "": false} {
		ok, stale, err := h.Verify(t.Context(), given, hash)
		require.NoError(t, err)
		require.Equal(t, want, ok, given)
		require.False(t, stale)
	}
	second, err := h.Hash(t.Context(), "tangible-otter")
	require.NoError(t, err)
	require.NotEqual(t, hash, second, "each hash has a salt of its own")
}

func TestNobodysPasswordIsNeverRight(t *testing.T) {
	h := password.NewHasher(cheap, 1)
	ok, _, err := h.Verify(t.Context(), "", "")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestStale(t *testing.T) {
	old, err := password.NewHasher(cheap, 1).Hash(t.Context(), "tangible-otter")
	require.NoError(t, err)
	dearer := password.NewHasher(password.Params{MemoryKiB: 16, Passes: 1, Threads: 1}, 1)

	ok, stale, err := dearer.Verify(t.Context(), "tangible-otter", old)
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, stale)

	ok, stale, err = dearer.Verify(t.Context(), "wrong", old)
	require.NoError(t, err)
	require.False(t, ok)
	require.False(t, stale, "a wrong password is no reason to hash")
}

func TestOneFormOfUnicode(t *testing.T) {
	h := password.NewHasher(cheap, 1)
	hash, err := h.Hash(t.Context(), "cafe\u0301 au lait")
	require.NoError(t, err)
	ok, _, err := h.Verify(t.Context(), "caf\u00e9 au lait", hash)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	h := password.NewHasher(cheap, 1)
	release := password.Occupy(h)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Hash(ctx, "tangible-otter")
	require.ErrorIs(t, err, context.Canceled)

	done := make(chan error, 1)
	go func() {
		_, err := h.Hash(t.Context(), "tangible-otter")
		done <- err
	}()
	release()
	require.NoError(t, <-done)
}

func TestBrokenHashes(t *testing.T) {
	h := password.NewHasher(cheap, 1)
	for _, hash := range []string{
		"plain", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=18$m=8,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AA",
	} {
		_, _, err := h.Verify(t.Context(), "x", hash)
		require.Error(t, err, hash)
	}
}
