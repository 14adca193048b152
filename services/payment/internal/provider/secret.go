package provider

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// minSecret is the fewest characters that a secret may have.
const minSecret = 32

// LoadSecret reads the secret that signs webhooks from a file. White space around it doesn't count.
func LoadSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("webhook secret %s can be read by everybody: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	secret := bytes.TrimSpace(text)
	if len(secret) < minSecret {
		return nil, fmt.Errorf("webhook secret %s has %d characters, %d are the least: write what `openssl rand -hex 32` prints into it", path, len(secret), minSecret)
	}
	return secret, nil
}

// LoadOrCreateSecret is LoadSecret, and makes the file when there is none. Of two processes that start at once both get the
// same secret.
func LoadOrCreateSecret(path string) ([]byte, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the webhook secret: %w", err)
		}
	}
	return LoadSecret(path)
}

// createSecret lets the file appear complete or not at all; the first of two writers wins.
func createSecret(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.WriteString(rand.Text() + rand.Text() + "\n") // 26 characters each
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path)
}
