package domain

import "time"

const (
	// SessionLife is how long a session lasts at most, however often it is refreshed: as long as a guest's cart is kept.
	SessionLife = 30 * 24 * time.Hour
	// MaxSessions is how many sessions an account can have at once; one more ends the one that was used longest ago.
	MaxSessions = 50
)

// Session is a log-in, or a guest's stay: a family of refresh tokens of which the newest works, once.
type Session struct {
	ID        string
	SubjectID string // a user's id, or a guest's
	Guest     bool
	CreatedAt time.Time
	ExpiresAt time.Time
}
