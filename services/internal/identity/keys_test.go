package identity_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/identity"
)

func TestKeysAreKeptBetweenStarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := identity.LoadOrCreateKeys(dir, "cart")
	require.NoError(t, err)
	again, err := identity.LoadOrCreateKeys(dir, "cart", "order")
	require.NoError(t, err)
	require.Equal(t, first.People, again.People)
	require.Equal(t, first.Services["cart"], again.Services["cart"])
	require.NotEqual(t, again.Services["cart"], again.Services["order"])

	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 3, "no temporary files stay")
	for _, file := range files {
		info, err := file.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestStartsAtOnceAgreeOnTheKeys(t *testing.T) {
	dir := t.TempDir()
	var starts sync.WaitGroup
	keys := make([]*identity.Keys, 8)
	for i := range keys {
		starts.Go(func() {
			var err error
			keys[i], err = identity.LoadOrCreateKeys(dir, "cart")
			if err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	for _, k := range keys {
		require.Equal(t, keys[0], k)
	}
}

func TestUnusableKeysAreRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := identity.LoadOrCreateKeys(dir)
	require.NoError(t, err)
	path := filepath.Join(dir, "people.pem")

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = identity.LoadOrCreateKeys(dir)
	require.ErrorContains(t, err, "chmod 600")

	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, []byte("not a key"), 0o600))
	_, err = identity.LoadOrCreateKeys(dir)
	require.ErrorContains(t, err, "not a PEM file")
}
