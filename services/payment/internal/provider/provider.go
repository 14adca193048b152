// Package provider is the port to whoever takes money from cards.
//
// A provider carries out each key once: a repeated call with the same key gives the first one's answer. Money may be held or
// moved though the call failed, so after an error Lookup tells what happened; nothing may be assumed. Answers also come by
// webhook, signed, late, twice or never.
package provider

import (
	"context"
	"errors"
	"fmt"
)

// Status is how far an operation is.
type Status string

// The statuses. The last two are final.
const (
	Pending   Status = "pending"
	Succeeded Status = "succeeded"
	Declined  Status = "declined"
)

// Reasons of declined operations.
const (
	ReasonDeclined          = "CARD_DECLINED"
	ReasonInsufficientFunds = "INSUFFICIENT_FUNDS"
	ReasonExpired           = "CARD_EXPIRED"
	ReasonNotAuthorized     = "NOT_AUTHORIZED" // there is nothing held or taken that the operation could be about
)

// Answer is what the provider knows about an operation.
type Answer struct {
	Key    string
	Status Status
	Reason string // why it was declined
}

// Final reports whether the answer can't change any more.
func (a Answer) Final() bool { return a.Status == Succeeded || a.Status == Declined }

// Charge asks for money of a card.
type Charge struct {
	Key      string
	Token    string
	Amount   int64 // minor units
	Currency string
	Capture  bool // take the money at once instead of holding it
}

// Change asks for something to be done with the money that an authorisation holds or a charge took.
type Change struct {
	Key    string
	Of     string // key of that Charge
	Amount int64  // all of it; not used by Void
}

// Token stands for a card whose number only the provider knows.
type Token struct {
	Value        string
	Brand, Last4 string
}

// ErrUnknownKey is Lookup's answer for a key that the provider has never seen: it may be used as if for the first time.
var ErrUnknownKey = errors.New("the card provider does not know the key")

// ErrUnavailable says that the provider can't be used at all.
var ErrUnavailable = errors.New("the card provider is not available")

// CardError says what is wrong with a card's details.
type CardError struct {
	Field   string // of the request, such as `number`
	Message string
}

func (e *CardError) Error() string { return fmt.Sprintf("card %s: %s", e.Field, e.Message) }

// Provider takes money from cards. All methods honour ctx; an error of one that moves money leaves its outcome unknown.
type Provider interface {
	// Tokenize keeps a card and returns what stands for it. A card that can't be right is refused with a *CardError.
	Tokenize(ctx context.Context, card Card) (Token, error)
	// Authorize holds money, or takes it. It mostly answers Pending.
	Authorize(ctx context.Context, charge Charge) (Answer, error)
	// Capture takes the money that an authorisation holds.
	Capture(ctx context.Context, change Change) (Answer, error)
	// Void lets go of the money that an authorisation holds.
	Void(ctx context.Context, change Change) (Answer, error)
	// Refund gives back what was taken.
	Refund(ctx context.Context, change Change) (Answer, error)
	// Lookup tells what became of the operation with the key, or ErrUnknownKey.
	Lookup(ctx context.Context, key string) (Answer, error)
}

// None is what a shop without a card provider has: wallets work, cards don't.
type None struct{}

// Tokenize answers ErrUnavailable.
func (None) Tokenize(context.Context, Card) (Token, error) { return Token{}, ErrUnavailable }

// Authorize answers ErrUnavailable.
func (None) Authorize(context.Context, Charge) (Answer, error) { return Answer{}, ErrUnavailable }

// Capture answers ErrUnavailable.
func (None) Capture(context.Context, Change) (Answer, error) { return Answer{}, ErrUnavailable }

// Void answers ErrUnavailable.
func (None) Void(context.Context, Change) (Answer, error) { return Answer{}, ErrUnavailable }

// Refund answers ErrUnavailable.
func (None) Refund(context.Context, Change) (Answer, error) { return Answer{}, ErrUnavailable }

// Lookup answers ErrUnavailable.
func (None) Lookup(context.Context, string) (Answer, error) { return Answer{}, ErrUnavailable }
