package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/taproom-shop/taproom/services/shipping/internal/domain"
	"github.com/taproom-shop/taproom/services/shipping/internal/store"
)

// methodsAge is how old the methods in memory may be. Every quote asks for them, and only a migration changes them.
const methodsAge = 5 * time.Second

// methods are the methods of shipping, remembered for a while.
type methods struct {
	store *store.Store
	clock func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	known  []domain.Method
	readAt time.Time
}

// all answers every method, the cheapest first; the slice is the caller's to read only. While the database is away the
// last known methods go on.
func (m *methods) all(ctx context.Context) ([]domain.Method, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	if m.known != nil && now.Sub(m.readAt) < methodsAge {
		return m.known, nil
	}
	fresh, err := m.store.Methods(ctx)
	switch {
	case err == nil:
		m.known, m.readAt = fresh, now
	case m.known == nil:
		return nil, err
	default:
		m.log.WarnContext(ctx, "methods of shipping can't be read; the last known ones go on", slog.Any("error", err))
	}
	return m.known, nil
}
