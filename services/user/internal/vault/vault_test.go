package vault_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

func TestSealedDataBelongsToItsPersonAndPlace(t *testing.T) {
	v, err := vault.New(bytes.Repeat([]byte{1}, vault.KeySize))
	require.NoError(t, err)
	key, wrapped, err := v.NewKey("ann")
	require.NoError(t, err)
	sealed := key.Seal([]byte("secret"), "ann/1")
	require.NotContains(t, string(sealed), "secret")

	again, err := v.Unwrap("ann", wrapped)
	require.NoError(t, err)
	opened, err := again.Open(sealed, "ann/1")
	require.NoError(t, err)
	require.Equal(t, "secret", string(opened))

	_, err = again.Open(sealed, "ann/2")
	require.Error(t, err, "moved to another place")
	_, err = v.Unwrap("bob", wrapped)
	require.Error(t, err, "the key of somebody else")
	other, _, err := v.NewKey("ann")
	require.NoError(t, err)
	_, err = other.Open(sealed, "ann/1")
	require.Error(t, err, "another key")

	stranger, err := vault.New(bytes.Repeat([]byte{2}, vault.KeySize))
	require.NoError(t, err)
	_, err = stranger.Unwrap("ann", wrapped)
	require.Error(t, err, "another master key")
}

func TestMasterKeysHaveOneSize(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33} {
		_, err := vault.New(make([]byte, size))
		require.Error(t, err, size)
	}
}
