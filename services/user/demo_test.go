package user_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/user"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

func TestDemoAccounts(t *testing.T) {
	s := sqliteShop(t, cheap())
	secrets := filepath.Join(t.TempDir(), "secrets")
	first, err := user.EnsureDemoAccounts(t.Context(), cheap(), s.deps, secrets)
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.NotEqual(t, first[0].Password, first[1].Password)
	for _, account := range first {
		session, err := s.login(account.Email, account.Password)
		require.NoError(t, err)
		require.Equal(t, "ROLE_"+account.Role, session.GetRole().String())
		addresses, err := s.users(session.GetAccessToken()).ListAddresses(t.Context(), &userv1.ListAddressesRequest{})
		require.NoError(t, err)
		if account.Role == "CUSTOMER" {
			require.Len(t, addresses.GetAddresses(), 1)
		}
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(secrets, "demo-accounts.json"))
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
	}

	again, err := user.EnsureDemoAccounts(t.Context(), cheap(), s.deps, secrets)
	require.NoError(t, err)
	require.Equal(t, first, again, "later starts tell the same")

	session, err := s.login(first[1].Email, first[1].Password)
	require.NoError(t, err)
	_, err = s.users(session.GetAccessToken()).ChangePassword(t.Context(), &userv1.ChangePasswordRequest{CurrentPassword: first[1].Password, NewPassword: goodPassword})
	require.NoError(t, err)
	again, err = user.EnsureDemoAccounts(t.Context(), cheap(), s.deps, secrets)
	require.NoError(t, err)
	require.False(t, again[0].Changed)
	require.True(t, again[1].Changed, "a changed password is not told as good")

	require.NoError(t, os.RemoveAll(secrets))
	fresh, err := user.EnsureDemoAccounts(t.Context(), cheap(), s.deps, secrets)
	require.NoError(t, err)
	for i, account := range fresh {
		require.NotEqual(t, first[i].Password, account.Password)
		_, err := s.login(account.Email, account.Password)
		require.NoError(t, err, "accounts get new passwords when the file is lost")
	}
}

func TestEnsureStaff(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, err := user.EnsureStaff(t.Context(), cheap(), s.deps, "boss@example.com", "Sam", "password123")
	require.Error(t, err)

	s.register("ann@example.com")
	created, err := user.EnsureStaff(t.Context(), cheap(), s.deps, "ann@example.com", "Sam", "quite-another-one")
	require.NoError(t, err)
	require.False(t, created)
	session, err := s.login("ann@example.com", goodPassword)
	require.NoError(t, err, "the password is still the owner's")
	require.Equal(t, userv1.Role_ROLE_STAFF, session.GetRole())
}

func TestMasterKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets", "master.key")
	_, err := user.LoadMasterKey(path)
	require.Error(t, err)
	key, err := user.LoadOrCreateMasterKey(path)
	require.NoError(t, err)
	require.Len(t, key, vault.KeySize)
	again, err := user.LoadOrCreateMasterKey(path)
	require.NoError(t, err)
	require.Equal(t, key, again)

	if runtime.GOOS != "windows" {
		require.NoError(t, os.Chmod(path, 0o644))
		_, err = user.LoadMasterKey(path)
		require.ErrorContains(t, err, "chmod 600")
	}
	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	require.NoError(t, os.Chmod(path, 0o600))
	_, err = user.LoadOrCreateMasterKey(path)
	require.Error(t, err, "a broken key is not replaced")
}

func TestConfigIsChecked(t *testing.T) {
	require.NoError(t, user.DefaultConfig().Validate())
	for _, spoil := range []func(*user.Config){
		func(c *user.Config) { c.HashesAtOnce = 0 },
		func(c *user.Config) { c.HashMemoryKiB = 0 },
		func(c *user.Config) { c.LoginFailuresPerAccount = 0 },
		func(c *user.Config) { c.LoginWindow = 0 },
		func(c *user.Config) { c.PublicOrigins = []string{"shop.example"} },
	} {
		s := sqliteShop(t, cheap())
		cfg := user.DefaultConfig()
		spoil(&cfg)
		_, err := user.New(cfg, s.deps)
		require.Error(t, err)
	}
}
