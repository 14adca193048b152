package domain

import "time"

// Event is one thing that happened to an account. Events are never changed; their versions count from 1 without gaps.
type Event struct {
	UserID string
	// Version is the account's version after the event.
	Version int64
	// ActorID is who did it: the user, or a member of staff.
	ActorID    string
	OccurredAt time.Time
	Fact       Fact
}

// Fact is what an event says. Fields marked personal are unknown once the account is deleted.
type Fact interface {
	// Type names what happened, such as `registered`.
	Type() string
	apply(u *User)
}

// Registered opens an account.
type Registered struct {
	Email       string // personal
	DisplayName string // personal
	Role        Role
}

// ProfileUpdated changes how the shop addresses the person.
type ProfileUpdated struct {
	DisplayName string // personal
}

// PasswordChanged says that there is a new password; the password's hash is no part of the history.
type PasswordChanged struct{}

// RoleChanged changes what the account may do.
type RoleChanged struct {
	Role Role
}

// Deleted ends an account for good.
type Deleted struct{}

// Types of facts.
const (
	TypeRegistered      = "registered"
	TypeProfileUpdated  = "profile_updated"
	TypePasswordChanged = "password_changed"
	TypeRoleChanged     = "role_changed"
	TypeDeleted         = "deleted"
)

// Type implements Fact.
func (Registered) Type() string { return TypeRegistered }

// Type implements Fact.
func (ProfileUpdated) Type() string { return TypeProfileUpdated }

// Type implements Fact.
func (PasswordChanged) Type() string { return TypePasswordChanged }

// Type implements Fact.
func (RoleChanged) Type() string { return TypeRoleChanged }

// Type implements Fact.
func (Deleted) Type() string { return TypeDeleted }
