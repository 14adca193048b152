package domain

import "time"

// Address is an address that a user saved.
type Address struct {
	ID         string
	UserID     string
	Recipient  string
	Street     string
	City       string
	PostalCode string
	Country    string // ISO 3166-1 alpha-2
	Phone      string // empty when none was given
	IsDefault  bool
	CreatedAt  time.Time
}
