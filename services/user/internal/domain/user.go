// Package domain holds the rules of accounts: what can happen to one, and what it amounts to.
package domain

import (
	"fmt"
	"strings"
	"time"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// Role is what an account may do, spelled as in tokens and events.
type Role string

// The roles. Accounts are Customer or Staff; a session without an account is a Guest's.
const (
	Guest    Role = "GUEST"
	Customer Role = "CUSTOMER"
	Staff    Role = "STAFF"
)

// MaxAddresses is how many addresses a user can save.
const MaxAddresses = 20

// User is an account as its events left it.
type User struct {
	ID string
	// Email is as it was given; empty once deleted.
	Email string
	// DisplayName is how the shop addresses the person; empty once deleted.
	DisplayName string
	Role        Role
	// Version is the number of the account's events.
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	// DeletedAt is zero while the account exists.
	DeletedAt time.Time
}

// EmailKey is what makes an e-mail address one and the same: two that differ in case alone have the same key.
func EmailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Deleted reports whether the account is gone.
func (u *User) Deleted() bool { return !u.DeletedAt.IsZero() }

// Register opens an account and returns it with its first event.
func Register(id, email, displayName string, role Role, now time.Time) (User, Event) {
	var u User
	event := Event{
		UserID: id, Version: 1, ActorID: id, OccurredAt: now,
		Fact: Registered{Email: email, DisplayName: displayName, Role: role},
	}
	u.Apply(event)
	return u, event
}

// Rename changes the display name. The same name again changes nothing.
func (u *User) Rename(displayName, actor string, now time.Time) []Event {
	if u.DisplayName == displayName {
		return nil
	}
	return u.record(ProfileUpdated{DisplayName: displayName}, actor, now)
}

// ChangePassword notes that the password is another one from now on.
func (u *User) ChangePassword(actor string, now time.Time) []Event {
	return u.record(PasswordChanged{}, actor, now)
}

// ChangeRole makes a customer staff, or staff a customer. staff is how many accounts are staff, this one included: the
// last can't be demoted. The same role again changes nothing.
func (u *User) ChangeRole(role Role, staff int, actor string, now time.Time) ([]Event, error) {
	if u.Role == role {
		return nil, nil
	}
	if u.Role == Staff && staff <= 1 {
		return nil, lastStaff()
	}
	return u.record(RoleChanged{Role: role}, actor, now), nil
}

// Delete ends the account. staff is how many accounts are staff, this one included: the last can't go.
func (u *User) Delete(staff int, actor string, now time.Time) ([]Event, error) {
	if u.Role == Staff && staff <= 1 {
		return nil, lastStaff()
	}
	return u.record(Deleted{}, actor, now), nil
}

func lastStaff() error {
	return fault.FailedPrecondition("LAST_STAFF", "this is the last member of staff: make somebody else staff first")
}

func (u *User) record(fact Fact, actor string, now time.Time) []Event {
	event := Event{UserID: u.ID, Version: u.Version + 1, ActorID: actor, OccurredAt: now, Fact: fact}
	u.Apply(event)
	return []Event{event}
}

// Apply takes in the account's next event.
func (u *User) Apply(event Event) {
	event.Fact.apply(u)
	if event.Version == 1 {
		u.ID, u.CreatedAt = event.UserID, event.OccurredAt
	}
	if _, deleted := event.Fact.(Deleted); deleted {
		u.DeletedAt = event.OccurredAt
	}
	u.Version, u.UpdatedAt = event.Version, event.OccurredAt
}

// Fold makes an account of all its events, oldest first.
func Fold(events []Event) (User, error) {
	var u User
	for i, event := range events {
		if event.Version != int64(i)+1 || event.UserID != events[0].UserID {
			return User{}, fmt.Errorf("event %d of user %s: version %d of user %s", i+1, events[0].UserID, event.Version, event.UserID)
		}
		u.Apply(event)
	}
	return u, nil
}

func (f Registered) apply(u *User) { u.Email, u.DisplayName, u.Role = f.Email, f.DisplayName, f.Role }

func (f ProfileUpdated) apply(u *User) { u.DisplayName = f.DisplayName }

func (PasswordChanged) apply(*User) {}

func (f RoleChanged) apply(u *User) { u.Role = f.Role }

func (Deleted) apply(u *User) { u.Email, u.DisplayName = "", "" }
