// Package password hashes passwords with argon2id and checks them, a few at a time: each hash takes its memory and a
// processor for as long as it runs, so that an unbounded number of log-ins would stop the service.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	saltSize = 16
	keySize  = 32
)

// Params are the cost of a hash.
type Params struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// Recommended is the least that a shop in use should spend: 19 MiB, two passes, one thread.
var Recommended = Params{MemoryKiB: 19 * 1024, Passes: 2, Threads: 1}

// Hasher makes hashes of one cost, and checks hashes of any.
type Hasher struct {
	params Params
	slots  chan struct{}
	dummy  string
}

// NewHasher returns a hasher that makes at most atOnce hashes at the same time.
func NewHasher(params Params, atOnce int) *Hasher {
	h := &Hasher{params: params, slots: make(chan struct{}, atOnce)}
	h.dummy = encode(params, make([]byte, saltSize), make([]byte, keySize))
	return h
}

// Hash returns the hash of a password with its parameters and salt, in the PHC string format. It waits for its turn until
// ctx ends.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	key, err := h.derive(ctx, password, salt, h.params, keySize)
	if err != nil {
		return "", err
	}
	return encode(h.params, salt, key), nil
}

// Verify reports whether password is the one that encoded is the hash of. stale says that the hash was made at another cost
// than this hasher's, and should be replaced. An empty encoded, for an account that isn't there, costs as much time as a
// wrong password does.
func (h *Hasher) Verify(ctx context.Context, password, encoded string) (ok, stale bool, err error) {
	known := encoded != ""
	if !known {
		encoded = h.dummy
	}
	params, salt, want, err := decode(encoded)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, password, salt, params, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1 && known
	return ok, ok && params != h.params, nil
}

// derive hashes in one form of Unicode: the same password typed on another keyboard may come in another.
func (h *Hasher) derive(ctx context.Context, password string, salt []byte, p Params, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, p.Passes, p.MemoryKiB, p.Threads, size), nil
}

func encode(p Params, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Passes, p.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func decode(encoded string) (p Params, salt, key []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, fmt.Errorf("not a hash of argon2id with %d parts", len(parts))
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, fmt.Errorf("hash of argon2 version %q", parts[2])
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Threads); err != nil {
		return p, nil, nil, fmt.Errorf("parameters of a hash: %w", err)
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return p, nil, nil, fmt.Errorf("salt of a hash: %w", err)
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return p, nil, nil, fmt.Errorf("key of a hash: %w", err)
	}
	if len(key) < 16 || p.Passes == 0 || p.Threads == 0 {
		return p, nil, nil, fmt.Errorf("hash with parameters %+v and %d bytes", p, len(key))
	}
	return p, salt, key, nil
}
