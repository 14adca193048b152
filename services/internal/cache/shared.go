package cache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/taproom-shop/taproom/services/internal/optional"
)

const (
	// claimTime is how long others leave it to one to build an answer. If that one dies another begins after this.
	claimTime = time.Second
	// claimWait is how long they wait at most: then each builds it by itself.
	claimWait = 2 * claimTime
	// pollEvery is how often they look.
	pollEvery = 10 * time.Millisecond

	versionDigits = 19 // of the largest int64
)

// A value in Redis begins with its revision as versionDigits decimal digits, which compare like numbers.
var (
	// claimScript returns a value that is new enough, or else 1 if the caller is now the one to build it, or else 0.
	claimScript = redis.NewScript(`
		local version = redis.call('GETRANGE', KEYS[1], 0, string.len(ARGV[1]) - 1)
		if version ~= '' and version >= ARGV[1] then
			return redis.call('GET', KEYS[1])
		end
		if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
			return 1
		end
		return 0`)

	// storeScript sets a value unless a newer one is there, and gives the claim up if it is still the caller's.
	storeScript = redis.NewScript(`
		local version = redis.call('GETRANGE', KEYS[1], 0, string.len(ARGV[1]) - 1)
		if version <= ARGV[1] then
			redis.call('SET', KEYS[1], ARGV[1] .. ARGV[3], 'PX', ARGV[4])
		end
		if redis.call('GET', KEYS[2]) == ARGV[2] then
			redis.call('DEL', KEYS[2])
		end
		return 0`)

	// releaseScript gives the claim up.
	releaseScript = redis.NewScript(`
		if redis.call('GET', KEYS[1]) == ARGV[1] then
			redis.call('DEL', KEYS[1])
		end
		return 0`)
)

// shared is the layer in Redis.
type shared struct {
	redis *optional.Redis
	name  string
	ttl   time.Duration
}

// claim is the right to build a value.
type claim struct{ value, lock, token string }

// claim returns the value of key if it is new enough. Else the caller builds it: it holds the claim, or Redis does not
// work, or whoever holds the claim takes too long.
func (s *shared) claim(ctx context.Context, key string, revision int64) (data []byte, mine claim) {
	mine = s.newClaim(key)
	for deadline := time.Now().Add(claimWait); ; {
		answer, ok := s.redis.Run(ctx, claimScript, []string{mine.value, mine.lock},
			version(revision), mine.token, claimTime.Milliseconds())
		if value, found := answer.(string); found && len(value) >= versionDigits {
			return []byte(value[versionDigits:]), mine
		}
		if !ok || answer == int64(1) || !time.Now().Before(deadline) {
			return nil, mine
		}
		select {
		case <-ctx.Done():
			return nil, mine
		case <-time.After(pollEvery):
		}
	}
}

// store sets the claimed value unless a newer one is there.
func (s *shared) store(ctx context.Context, mine claim, revision int64, data []byte) {
	// Entries made together don't expire together.
	ttl := s.ttl - s.ttl/10 + mathrand.N(s.ttl/5+1) //nolint:gosec // no secret
	s.redis.Run(ctx, storeScript, []string{mine.value, mine.lock}, version(revision), mine.token, data, ttl.Milliseconds())
}

// release lets somebody else build the value.
func (s *shared) release(ctx context.Context, mine claim) {
	s.redis.Run(ctx, releaseScript, []string{mine.lock}, mine.token)
}

// newClaim names the keys of a value. Both stand in one slot of a Redis cluster.
func (s *shared) newClaim(key string) claim {
	sum := sha256.Sum256([]byte(key))
	value := "{" + s.name + ":" + base64.RawURLEncoding.EncodeToString(sum[:24]) + "}"
	return claim{value: value, lock: value + ":claim", token: rand.Text()}
}

func version(revision int64) string { return fmt.Sprintf("%0*d", versionDigits, revision) }
