package domain

import (
	"time"

	"github.com/google/uuid"
)

// TopUpState says what became of a top-up.
type TopUpState string

// The states. The first lasts until the provider has said what it did; the others are final.
const (
	TopUpPending  TopUpState = "PENDING"
	TopUpDone     TopUpState = "DONE"
	TopUpDeclined TopUpState = "DECLINED"
)

// topUpSpace is the namespace of the ids of top-ups.
var topUpSpace = uuid.MustParse("0d5f1a2e-6a55-5c0f-9f4b-3a4f6a0c7e11")

// TopUpID derives the id of a top-up from who asked and from the id of the request, so that a repeat is the same top-up even
// to the card provider.
func TopUpID(userID, requestID string) string {
	return uuid.NewSHA1(topUpSpace, []byte(userID+"/"+requestID)).String()
}

// RequestedTopUp is a wish to move money from a card into a wallet, and what became of it.
type RequestedTopUp struct {
	ID            string // see TopUpID
	UserID        string
	RequestID     string
	CardID        string
	CardToken     string
	Amount        int64
	State         TopUpState
	DeclineReason string
	Wallet        Wallet // when done: as it was then, which is the answer to every repeat
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// SameRequest reports whether both ask for the same.
func (t RequestedTopUp) SameRequest(other RequestedTopUp) bool {
	return t.CardID == other.CardID && t.Amount == other.Amount
}
