package identity

import (
	"container/list"
	"sync"
)

// tokenCache maps good tokens to their principals and drops the least recently used above its bound.
type tokenCache struct {
	mu      sync.Mutex
	max     int
	recent  *list.List // of Principal, most recently used first
	entries map[string]*list.Element
}

func newTokenCache(max int) *tokenCache {
	return &tokenCache{max: max, recent: list.New(), entries: make(map[string]*list.Element)}
}

func (c *tokenCache) get(token string) (Principal, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[token]
	if !ok {
		return Principal{}, false
	}
	c.recent.MoveToFront(element)
	return element.Value.(Principal), true
}

func (c *tokenCache) put(token string, p Principal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[token]; ok {
		return
	}
	c.entries[token] = c.recent.PushFront(p)
	if c.recent.Len() > c.max {
		oldest := c.recent.Remove(c.recent.Back()).(Principal)
		delete(c.entries, oldest.Token)
	}
}
