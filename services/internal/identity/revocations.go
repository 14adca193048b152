package identity

import (
	"sync"
	"time"
)

// remember is how long a revocation is kept: until every token that it could refuse has expired on every clock.
const remember = AccessTokenLife + 2*Leeway

// Revocations are the sessions that ended before their tokens did. They are kept in memory, since only those younger
// than a token's life count, and are heard from the stream USERS.
type Revocations struct {
	clock func() time.Time

	mu       sync.RWMutex
	users    map[string]*revokedUser
	watchers map[string]map[*watcher]struct{} // by user id
	swept    time.Time
	heard    time.Time // when the stream last said that nothing is waiting; zero before Start
}

// revokedUser is what was revoked of one person.
type revokedUser struct {
	all      time.Time            // tokens issued up to then are refused; zero when none
	sessions map[string]time.Time // when each session ended
}

type watcher struct {
	principal Principal
	revoked   chan struct{}
}

// NewRevocations returns an empty set, unhealthy until Start has heard the stream.
func NewRevocations(clock func() time.Time) *Revocations {
	return &Revocations{
		clock:    clock,
		users:    make(map[string]*revokedUser),
		watchers: make(map[string]map[*watcher]struct{}),
	}
}

// Revoke ends a user's session, or every session when sessionID is empty: tokens issued up to at are refused from now
// on. A session that ended stays ended, whatever the time in its tokens, since no new ones are made for it.
func (r *Revocations) Revoke(userID, sessionID string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep()
	if r.clock().Sub(at) > remember {
		return
	}
	user := r.users[userID]
	if user == nil {
		user = &revokedUser{sessions: make(map[string]time.Time)}
		r.users[userID] = user
	}
	if sessionID != "" {
		user.sessions[sessionID] = at
	} else if at.After(user.all) {
		user.all = at
	}
	for w := range r.watchers[userID] {
		if user.refuses(w.principal) {
			close(w.revoked)
			r.unwatch(w)
		}
	}
}

// Revoked reports whether p's token must be refused.
func (r *Revocations) Revoked(p Principal) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	user := r.users[p.ID]
	return user != nil && user.refuses(p)
}

func (u *revokedUser) refuses(p Principal) bool {
	if _, ended := u.sessions[p.SessionID]; ended {
		return true
	}
	return !u.all.IsZero() && !p.IssuedAt.After(u.all)
}

// Watch returns a channel that is closed when p's token is revoked, at once if it is already. Long streams watch it.
// stop must be called when the watching is over.
func (r *Revocations) Watch(p Principal) (revoked <-chan struct{}, stop func()) {
	w := &watcher{principal: p, revoked: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if user := r.users[p.ID]; user != nil && user.refuses(p) {
		close(w.revoked)
		return w.revoked, func() {}
	}
	if r.watchers[p.ID] == nil {
		r.watchers[p.ID] = make(map[*watcher]struct{})
	}
	r.watchers[p.ID][w] = struct{}{}
	return w.revoked, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.unwatch(w)
	}
}

// unwatch forgets w; the lock is held.
func (r *Revocations) unwatch(w *watcher) {
	watchers := r.watchers[w.principal.ID]
	delete(watchers, w)
	if len(watchers) == 0 {
		delete(r.watchers, w.principal.ID)
	}
}

// sweep forgets, once a minute, what no living token can meet; the lock is held.
func (r *Revocations) sweep() {
	now := r.clock()
	if now.Sub(r.swept) < time.Minute {
		return
	}
	r.swept = now
	old := now.Add(-remember)
	for id, user := range r.users {
		for session, at := range user.sessions {
			if at.Before(old) {
				delete(user.sessions, session)
			}
		}
		if user.all.Before(old) && len(user.sessions) == 0 {
			delete(r.users, id)
		}
	}
}

// Len returns how many users have revocations that are remembered, for metrics.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.users)
}
