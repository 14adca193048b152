package store

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect/sql"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	entdb "github.com/taproom-shop/taproom/services/user/internal/ent/db"
	"github.com/taproom-shop/taproom/services/user/internal/ent/db/address"
)

// Addresses returns a user's addresses: the default one first, then in the order in which they were saved.
func (s *Store) Addresses(ctx context.Context, userID string) ([]domain.Address, error) {
	rows, err := s.read.Address.Query().Where(address.UserID(userID)).
		Order(address.ByIsDefault(sql.OrderDesc()), address.ByID()).
		Limit(domain.MaxAddresses).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	addresses := make([]domain.Address, len(rows))
	for i, row := range rows {
		addresses[i] = toAddress(row)
	}
	return addresses, nil
}

// CreateAddress saves an address. The first of a user becomes the default. It returns the address as it was saved.
// Errors: TOO_MANY_ADDRESSES, USER_NOT_FOUND.
func (s *Store) CreateAddress(ctx context.Context, a domain.Address) (domain.Address, error) {
	var saved domain.Address
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		saved = a
		if _, err := lockUser(ctx, tx, a.UserID); err != nil { // nobody else adds one between count and insert
			return err
		}
		client := writer(tx)
		count, err := client.Address.Query().Where(address.UserID(a.UserID)).Count(ctx)
		if err != nil {
			return fmt.Errorf("count addresses: %w", err)
		}
		if count >= domain.MaxAddresses {
			return fault.FailedPrecondition("TOO_MANY_ADDRESSES", "%d addresses are saved, which is the most: delete one first", count)
		}
		saved.IsDefault = a.IsDefault || count == 0
		if saved.IsDefault {
			if err := clearDefault(ctx, tx, a.UserID); err != nil {
				return err
			}
		}
		err = client.Address.Create().SetID(saved.ID).SetUserID(saved.UserID).
			SetRecipient(saved.Recipient).SetStreet(saved.Street).SetCity(saved.City).
			SetPostalCode(saved.PostalCode).SetCountry(saved.Country).SetPhone(saved.Phone).
			SetIsDefault(saved.IsDefault).SetCreatedAt(tx.Now()).SetUpdatedAt(tx.Now()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("insert address: %w", err)
		}
		return nil
	})
	return saved, err
}

// UpdateAddress replaces what an address says. It becomes the default if it shall, and stays it if it was: there is always
// one. It returns the address as it is afterwards. Errors: ADDRESS_NOT_FOUND, USER_NOT_FOUND.
func (s *Store) UpdateAddress(ctx context.Context, a domain.Address) (domain.Address, error) {
	var updated domain.Address
	err := s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := lockUser(ctx, tx, a.UserID); err != nil {
			return err
		}
		client := writer(tx)
		row, err := client.Address.Query().Where(address.ID(a.ID), address.UserID(a.UserID)).Only(ctx)
		if entdb.IsNotFound(err) {
			return addressNotFound()
		}
		if err != nil {
			return fmt.Errorf("read address: %w", err)
		}
		if a.IsDefault && !row.IsDefault {
			if err := clearDefault(ctx, tx, a.UserID); err != nil {
				return err
			}
		}
		updated = a
		updated.IsDefault = a.IsDefault || row.IsDefault
		_, err = client.Address.Update().Where(address.ID(a.ID), address.UserID(a.UserID)).
			SetRecipient(a.Recipient).SetStreet(a.Street).SetCity(a.City).
			SetPostalCode(a.PostalCode).SetCountry(a.Country).SetPhone(a.Phone).
			SetIsDefault(updated.IsDefault).SetUpdatedAt(tx.Now()).Save(ctx)
		if err != nil {
			return fmt.Errorf("update address: %w", err)
		}
		return nil
	})
	return updated, err
}

// DeleteAddress deletes an address. When it was the default, the one saved longest ago becomes it.
// Errors: ADDRESS_NOT_FOUND, USER_NOT_FOUND.
func (s *Store) DeleteAddress(ctx context.Context, userID, id string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := lockUser(ctx, tx, userID); err != nil {
			return err
		}
		affected, err := tx.Exec(ctx, `DELETE FROM addresses WHERE id = ? AND user_id = ?`, id, userID)
		if err != nil {
			return fmt.Errorf("delete address: %w", err)
		}
		if affected == 0 {
			return addressNotFound()
		}
		_, err = tx.Exec(ctx, `
			UPDATE addresses SET is_default = true
			WHERE id = (SELECT min(id) FROM addresses WHERE user_id = ?)
			  AND NOT EXISTS (SELECT 1 FROM addresses WHERE user_id = ? AND is_default)`, userID, userID)
		if err != nil {
			return fmt.Errorf("choose another default: %w", err)
		}
		return nil
	})
}

func clearDefault(ctx context.Context, tx *database.Tx, userID string) error {
	_, err := tx.Exec(ctx, `UPDATE addresses SET is_default = false WHERE user_id = ? AND is_default`, userID)
	if err != nil {
		return fmt.Errorf("clear the default: %w", err)
	}
	return nil
}

func addressNotFound() error {
	return fault.NotFound("ADDRESS_NOT_FOUND", "there is no address with this id among yours")
}

func toAddress(row *entdb.Address) domain.Address {
	return domain.Address{
		ID: row.ID, UserID: row.UserID, Recipient: row.Recipient, Street: row.Street, City: row.City,
		PostalCode: row.PostalCode, Country: row.Country, Phone: row.Phone, IsDefault: row.IsDefault,
		CreatedAt: row.CreatedAt.UTC(),
	}
}
