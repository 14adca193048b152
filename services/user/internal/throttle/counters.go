package throttle

import (
	"sync"
	"time"
)

// maxCounters bounds the memory of counters, about 10 MB when full.
const maxCounters = 50_000

// counters are counters in memory, each of which ends a window after it began.
type counters struct {
	clock func() time.Time

	mu     sync.Mutex
	byKey  map[string]counter
	pruned time.Time
}

type counter struct {
	count int64
	ends  time.Time
}

func newCounters(clock func() time.Time) *counters {
	return &counters{clock: clock, byKey: make(map[string]counter)}
}

func (c *counters) add(key string, by int64, window time.Duration) (count int64, left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	c.prune(now)
	current, known := c.byKey[key]
	if known && !now.Before(current.ends) {
		known = false
	}
	if !known {
		if by < 0 {
			return 0, 0
		}
		current = counter{ends: now.Add(window)}
	}
	current.count += by
	c.byKey[key] = current
	return current.count, current.ends.Sub(now)
}

// prune forgets counters that have ended, once a second at most, and any others when there are too many; the lock is held.
func (c *counters) prune(now time.Time) {
	if len(c.byKey) < maxCounters && now.Sub(c.pruned) < time.Minute {
		return
	}
	if now.Sub(c.pruned) >= time.Second {
		c.pruned = now
		for key, current := range c.byKey {
			if !now.Before(current.ends) {
				delete(c.byKey, key)
			}
		}
	}
	for key := range c.byKey {
		if len(c.byKey) < maxCounters {
			return
		}
		delete(c.byKey, key)
	}
}
