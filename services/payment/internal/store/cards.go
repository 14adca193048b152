package store

import (
	"context"
	"fmt"
	"time"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db/card"
)

// Card is a saved card.
type Card struct {
	ID, UserID        string
	Token             string // the provider's; whoever has it can charge the card
	Brand, Last4      string
	ExpMonth, ExpYear int
	CreatedAt         time.Time
}

// InsertCard saves a card. It reports false, and does nothing, when the user has limit cards already.
func InsertCard(ctx context.Context, tx *database.Tx, c Card, limit int) (bool, error) {
	// The lock on the wallet lets two cards of one user in one after the other.
	if err := LockWallet(ctx, tx, c.UserID, c.CreatedAt); err != nil {
		return false, err
	}
	affected, err := tx.Exec(ctx, `INSERT INTO cards (id, user_id, token, brand, last4, exp_month, exp_year, created_at)
		SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE (SELECT COUNT(*) FROM cards WHERE user_id = ?) < ?`,
		c.ID, c.UserID, c.Token, c.Brand, c.Last4, c.ExpMonth, c.ExpYear, c.CreatedAt, c.UserID, limit)
	if err != nil {
		return false, fmt.Errorf("insert card: %w", err)
	}
	return affected == 1, nil
}

// CardOf returns a user's card as the transaction sees it; found is false when it isn't there or isn't the user's.
func CardOf(ctx context.Context, tx *database.Tx, userID, id string) (c Card, found bool, err error) {
	row, err := inside(tx).Card.Query().Where(card.ID(id), card.UserID(userID)).Only(ctx)
	switch {
	case db.IsNotFound(err):
		return Card{}, false, nil
	case err != nil:
		return Card{}, false, fmt.Errorf("read card: %w", err)
	}
	return toCard(row), true, nil
}

// Cards returns a user's cards, newest first.
func (s *Store) Cards(ctx context.Context, userID string) ([]Card, error) {
	rows, err := s.read.Card.Query().Where(card.UserID(userID)).Order(db.Desc(card.FieldID)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list cards: %w", err)
	}
	cards := make([]Card, len(rows))
	for i, row := range rows {
		cards[i] = toCard(row)
	}
	return cards, nil
}

// CountCards returns how many cards a user has.
func (s *Store) CountCards(ctx context.Context, userID string) (int, error) {
	n, err := s.read.Card.Query().Where(card.UserID(userID)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count cards: %w", err)
	}
	return n, nil
}

// DeleteCard forgets a user's card. It reports false when it isn't there or isn't the user's.
func DeleteCard(ctx context.Context, tx *database.Tx, userID, id string) (bool, error) {
	affected, err := tx.Exec(ctx, `DELETE FROM cards WHERE id = ? AND user_id = ?`, id, userID)
	if err != nil {
		return false, fmt.Errorf("delete card: %w", err)
	}
	return affected == 1, nil
}

// DeleteCardsOf forgets all cards of a user.
func DeleteCardsOf(ctx context.Context, tx *database.Tx, userID string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM cards WHERE user_id = ?`, userID); err != nil {
		return fmt.Errorf("delete cards: %w", err)
	}
	return nil
}

func toCard(row *db.Card) Card {
	return Card{
		ID: row.ID, UserID: row.UserID, Token: row.Token, Brand: row.Brand, Last4: row.Last4,
		ExpMonth: row.ExpMonth, ExpYear: row.ExpYear, CreatedAt: row.CreatedAt.UTC(),
	}
}
