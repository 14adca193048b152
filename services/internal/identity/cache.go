package identity

import (
	"container/list"
	"sync"
)

// tokenCache maps good tokens to their principals and drops the least recently used above its size.
type tokenCache struct {
	mu      sync.Mutex
	size    int
	recent  *list.List // of tokens, most recently used first
	entries map[string]entry
}

type entry struct {
	principal Principal
	kid       string // of the key that signed the token
	element   *list.Element
}

func newTokenCache(size int) *tokenCache {
	return &tokenCache{size: size, recent: list.New(), entries: make(map[string]entry)}
}

func (c *tokenCache) get(token string) (p Principal, kid string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.entries[token]
	if ok {
		c.recent.MoveToFront(found.element)
	}
	return found.principal, found.kid, ok
}

func (c *tokenCache) put(token string, p Principal, kid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[token]; ok {
		return
	}
	c.entries[token] = entry{principal: p, kid: kid, element: c.recent.PushFront(token)}
	if c.recent.Len() > c.size {
		oldest, _ := c.recent.Remove(c.recent.Back()).(string)
		delete(c.entries, oldest)
	}
}
