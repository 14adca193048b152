package user

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

// LoadMasterKey reads a master key from a file: vault.KeySize bytes in base64, as `openssl rand -base64 32` writes them.
func LoadMasterKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("master key %s can be read by everybody: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != vault.KeySize {
		return nil, fmt.Errorf("master key %s: write %d bytes in base64 into it, as `openssl rand -base64 %d` prints them", path, vault.KeySize, vault.KeySize)
	}
	return key, nil
}

// LoadOrCreateMasterKey is LoadMasterKey, and makes the file when there is none. Of two processes that start at once both
// get the same key. Whoever loses the file loses the accounts' history.
func LoadOrCreateMasterKey(path string) ([]byte, error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return LoadMasterKey(path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the master key: %w", err)
	}
	if err := createMasterKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	return LoadMasterKey(path)
}

// createMasterKey writes the key under another name first: path holds a whole key or nothing, and the first writer wins.
func createMasterKey(path string) error {
	key := make([]byte, vault.KeySize)
	rand.Read(key)                                           // never fails
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(key))
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err != nil || closeErr != nil {
		return errors.Join(err, closeErr)
	}
	return os.Link(file.Name(), path)
}
