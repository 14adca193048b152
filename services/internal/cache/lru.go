package cache

import (
	"container/list"
	"sync"
)

// entryBytes is what an entry takes besides its key and value, roughly.
const entryBytes = 200

// lru keeps the values that were used last, as many as fit.
type lru struct {
	mu      sync.Mutex
	limit   int64 // bytes
	used    int64
	entries map[string]*list.Element
	recent  *list.List // of *entry, the one used last in front
}

type entry struct {
	key      string
	revision int64
	value    any
	bytes    int64
}

func newLRU(limit int64) *lru {
	return &lru{limit: limit, entries: make(map[string]*list.Element), recent: list.New()}
}

// get returns the value of key if it is of that revision or a newer one, else nil.
func (l *lru) get(key string, revision int64) any {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, ok := l.entries[key]
	if !ok || entryOf(element).revision < revision {
		return nil
	}
	l.recent.MoveToFront(element)
	return entryOf(element).value
}

// put keeps a value unless a newer one is there. What is larger than an eighth of the room is not kept: it would drive
// out too much.
func (l *lru) put(key string, revision int64, value any, size int) {
	bytes := int64(len(key)) + int64(size) + entryBytes
	if bytes > l.limit/8 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if element, ok := l.entries[key]; ok {
		if entryOf(element).revision > revision {
			return
		}
		l.remove(element)
	}
	l.entries[key] = l.recent.PushFront(&entry{key: key, revision: revision, value: value, bytes: bytes})
	l.used += bytes
	for l.used > l.limit {
		l.remove(l.recent.Back())
	}
}

func (l *lru) remove(element *list.Element) {
	gone := entryOf(element)
	l.recent.Remove(element)
	delete(l.entries, gone.key)
	l.used -= gone.bytes
}

func entryOf(element *list.Element) *entry {
	held, _ := element.Value.(*entry)
	return held
}
