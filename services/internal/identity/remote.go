package identity

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

const (
	// JWKSPath is where the user service serves the public keys of people's tokens, as a JSON Web Key Set (RFC 7517).
	JWKSPath = "/.well-known/jwks.json"

	// ReasonKeysUnavailable says that the keys which would prove a token can't be had right now.
	ReasonKeysUnavailable = "KEYS_UNAVAILABLE"

	// keysGap lies between two questions for keys at least, however many tokens name made-up ones.
	keysGap = 3 * time.Second
	// firstKeysGap lies between two questions as long as none was answered: without keys nobody is let in.
	firstKeysGap = 250 * time.Millisecond
	// keysAge is when known keys are asked for again: one that was withdrawn is trusted no longer.
	keysAge = time.Minute
	// keysTimeout bounds a question.
	keysTimeout = 2 * time.Second
	// maxKeySet bounds its answer, in bytes.
	maxKeySet = 64 << 10
)

// keySet is a JSON Web Key Set of Ed25519 keys (RFC 8037).
type keySet struct {
	Keys []webKey `json:"keys"`
}

type webKey struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	X         string `json:"x"` // the key, base64url
}

// JWKS serves keys as a JSON Web Key Set, at JWKSPath.
func JWKS(keys ...ed25519.PublicKey) http.Handler {
	set := keySet{Keys: make([]webKey, len(keys))}
	for i, key := range keys {
		set.Keys[i] = webKey{
			Type: "OKP", Curve: "Ed25519", ID: KeyID(key), Algorithm: "EdDSA", Use: "sig", X: base64.RawURLEncoding.EncodeToString(key),
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(set) // it fails only when the client is gone
	})
}

// readKeys reads the answer of JWKS. Keys of kinds that a later version may use are passed over.
func readKeys(answer []byte) (trustedKeys, error) {
	var set keySet
	if err := json.Unmarshal(answer, &set); err != nil {
		return nil, err
	}
	var keys PublicKeys
	for _, k := range set.Keys {
		raw, err := base64.RawURLEncoding.DecodeString(k.X)
		if k.Type == "OKP" && k.Curve == "Ed25519" && err == nil && len(raw) == ed25519.PublicKeySize {
			keys.People = append(keys.People, raw)
		}
	}
	if len(keys.People) == 0 {
		return nil, errors.New("no usable key")
	}
	return keys.byID(), nil
}

// RemoteKeys are the keys of people's tokens as the user service tells them. They are asked for when a token names an
// unknown one, and now and then; while the user service is away the last ones stay good.
type RemoteKeys struct {
	client *http.Client
	url    string
	log    *slog.Logger
	clock  func() time.Time

	known  atomic.Pointer[trustedKeys] // nil before the first answer
	asking sync.Mutex
	state  atomic.Pointer[askedKeys]
}

// askedKeys is how the last question went.
type askedKeys struct {
	at     time.Time
	failed bool
}

// NewRemoteKeys returns the keys behind url, the address of JWKSPath, which client reaches. Nothing is asked before the
// first token comes.
func NewRemoteKeys(client *http.Client, url string, log *slog.Logger, clock func() time.Time) *RemoteKeys {
	r := &RemoteKeys{client: client, url: url, log: log, clock: clock}
	r.state.Store(&askedKeys{})
	return r
}

// Learn asks for the keys until there is an answer or ctx ends, so that they are known should the user service go away.
func (r *RemoteKeys) Learn(ctx context.Context) {
	for r.known.Load() == nil {
		r.asking.Lock()
		if r.known.Load() == nil {
			r.ask() //nolint:contextcheck // others may wait for the answer
		}
		r.asking.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(firstKeysGap):
		}
	}
}

// find implements KeySource. Known keys are never waited for.
func (r *RemoteKeys) find(kid string) (trusted, error) {
	if key, ok := r.look(kid); ok {
		if r.age() > keysAge && r.asking.TryLock() {
			go func() {
				defer r.asking.Unlock()
				r.ask()
			}()
		}
		return key, nil
	}
	r.asking.Lock() // others that look for the same key wait for one answer
	defer r.asking.Unlock()
	if key, ok := r.look(kid); ok {
		return key, nil
	}
	gap := keysGap
	if r.known.Load() == nil {
		gap = firstKeysGap
	}
	if r.age() >= gap {
		r.ask()
	}
	if key, ok := r.look(kid); ok {
		return key, nil
	}
	if r.state.Load().failed {
		return trusted{}, fault.Unavailable(ReasonKeysUnavailable, "it can't be told right now whether the token is good: try again in a moment")
	}
	return trusted{}, errUnknownKey
}

func (r *RemoteKeys) look(kid string) (trusted, bool) {
	known := r.known.Load()
	if known == nil {
		return trusted{}, false
	}
	key, ok := (*known)[kid]
	return key, ok
}

// age is how long ago the keys were asked for.
func (r *RemoteKeys) age() time.Duration { return r.clock().Sub(r.state.Load().at) }

// ask replaces the keys, unless there is no good answer. The caller holds asking.
func (r *RemoteKeys) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	keys, err := r.fetch(ctx)
	failedBefore := r.state.Load().failed
	if err == nil {
		r.known.Store(&keys)
	} else if !failedBefore {
		r.log.WarnContext(ctx, "the keys of people's tokens can't be asked for: the last ones stay in use", slog.Any("error", err))
	}
	r.state.Store(&askedKeys{at: r.clock(), failed: err != nil})
}

func (r *RemoteKeys) fetch(ctx context.Context) (trustedKeys, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", r.url, answer.Status)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet))
	if err != nil {
		return nil, err
	}
	return readKeys(content)
}
