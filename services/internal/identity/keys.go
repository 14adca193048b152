package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Keys are the private keys of a shop that runs in one process.
type Keys struct {
	// People signs the tokens of people. Only the user service may be given it.
	People ed25519.PrivateKey
	// Services holds each service's own key by the service's name.
	Services map[string]ed25519.PrivateKey
}

// Public returns the halves that verifiers need.
func (k *Keys) Public() PublicKeys {
	public := PublicKeys{
		People:   []ed25519.PublicKey{publicKey(k.People)},
		Services: make(map[string][]ed25519.PublicKey, len(k.Services)),
	}
	for name, key := range k.Services {
		public.Services[name] = []ed25519.PublicKey{publicKey(key)}
	}
	return public
}

// publicKey is the second half of a private key.
func publicKey(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// LoadOrCreateKeys reads the keys kept in dir (PEM, PKCS #8: `people.pem` and `service-<name>.pem`) and makes those
// that are missing. Files can be read by their owner alone, and are refused when others can read them. Of two
// processes that start at once both get the same keys.
func LoadOrCreateKeys(dir string, services ...string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for keys: %w", err)
	}
	people, err := loadOrCreateKey(filepath.Join(dir, "people.pem"))
	if err != nil {
		return nil, err
	}
	keys := &Keys{People: people, Services: make(map[string]ed25519.PrivateKey, len(services))}
	for _, name := range services {
		if keys.Services[name], err = loadOrCreateKey(filepath.Join(dir, "service-"+name+".pem")); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// LoadPrivateKey reads an Ed25519 key from a PEM file in PKCS #8, as `openssl genpkey -algorithm ed25519` writes it.
func LoadPrivateKey(path string) (ed25519.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("key %s: not a PEM file", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key %s: an Ed25519 key is needed, this is %T", path, parsed)
	}
	return key, nil
}

func loadOrCreateKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make key %s: %w", path, err)
		}
		return LoadPrivateKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key %s can be read by others than its owner: chmod 600 it, or remove it to get a new one", path)
	}
	return LoadPrivateKey(path)
}

// createKey writes a new key under another name first and then links it, so that path holds either a whole key or
// nothing, and the first of two writers wins.
func createKey(path string) (err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der}); err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err != nil || closeErr != nil {
		return errors.Join(err, closeErr)
	}
	return os.Link(file.Name(), path)
}
