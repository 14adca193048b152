// Package vault encrypts personal data under a key per person. The person's key is kept wrapped by the shop's master key,
// which is not in the database: without the master key a copy of the database tells nothing, and without the person's key
// nobody reads what was encrypted with it again.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// KeySize is the size of master keys and of persons' keys, in bytes: AES-256.
const KeySize = 32

// Vault wraps and unwraps persons' keys.
type Vault struct{ master cipher.AEAD }

// New returns a vault whose master key is master, of KeySize bytes.
func New(master []byte) (*Vault, error) {
	aead, err := newAEAD(master)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &Vault{master: aead}, nil
}

// PersonKey encrypts what is known about one person.
type PersonKey struct{ aead cipher.AEAD }

// NewKey makes a key for a person, and its wrapped form, which can be stored and is good for that person alone.
func (v *Vault) NewKey(personID string) (key PersonKey, wrapped []byte, err error) {
	raw := make([]byte, KeySize)
	rand.Read(raw) // never fails
	aead, err := newAEAD(raw)
	if err != nil {
		return PersonKey{}, nil, err
	}
	return PersonKey{aead}, v.master.Seal(nil, nil, raw, []byte(personID)), nil //nolint:gosec // G407: the nonce is random, see newAEAD
}

// Unwrap returns the key of a person from its wrapped form.
func (v *Vault) Unwrap(personID string, wrapped []byte) (PersonKey, error) {
	raw, err := v.master.Open(nil, nil, wrapped, []byte(personID))
	if err != nil {
		return PersonKey{}, fmt.Errorf("the key of person %s is not wrapped with this master key: %w", personID, err)
	}
	aead, err := newAEAD(raw)
	if err != nil {
		return PersonKey{}, err
	}
	return PersonKey{aead}, nil
}

// Seal encrypts data. place says where it belongs; it can't be opened as if it stood elsewhere.
func (k PersonKey) Seal(data []byte, place string) []byte {
	return k.aead.Seal(nil, nil, data, []byte(place)) //nolint:gosec // G407: the nonce is random, see newAEAD
}

// Open decrypts what Seal returned for the same place.
func (k PersonKey) Open(sealed []byte, place string) ([]byte, error) {
	data, err := k.aead.Open(nil, nil, sealed, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	return data, nil
}

// newAEAD returns AES-GCM that puts a random nonce before each ciphertext. A key sees far fewer than the 2³² messages
// that random nonces are good for.
func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("a key has %d bytes, this one %d", KeySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
