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
	max     int64 // bytes
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

func newLRU(max int64) *lru {
	return &lru{max: max, entries: make(map[string]*list.Element), recent: list.New()}
}

// get returns the value of key if it is of that revision or a newer one.
func (l *lru) get(key string, revision int64) (value any, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	element, ok := l.entries[key]
	if !ok || element.Value.(*entry).revision < revision {
		return nil, false
	}
	l.recent.MoveToFront(element)
	return element.Value.(*entry).value, true
}

// put keeps a value unless a newer one is there. What is larger than an eighth of the room is not kept: it would drive
// out too much.
func (l *lru) put(key string, revision int64, value any, size int) {
	bytes := int64(len(key)) + int64(size) + entryBytes
	if bytes > l.max/8 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if element, ok := l.entries[key]; ok {
		if element.Value.(*entry).revision > revision {
			return
		}
		l.remove(element)
	}
	l.entries[key] = l.recent.PushFront(&entry{key: key, revision: revision, value: value, bytes: bytes})
	l.used += bytes
	for l.used > l.max {
		l.remove(l.recent.Back())
	}
}

func (l *lru) remove(element *list.Element) {
	gone := l.recent.Remove(element).(*entry)
	delete(l.entries, gone.key)
	l.used -= gone.bytes
}
