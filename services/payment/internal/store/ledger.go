package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db"
	"github.com/taproom-shop/taproom/services/payment/internal/ent/db/transfer"
)

// Book writes a transfer into the ledger and changes the wallet that it moves, if any, which it returns as it is then.
// It reports false, and does nothing, when the wallet can't spare the money. The transfer's natural key must be new:
// whoever books has won the guarded change of state that leads to it.
func Book(ctx context.Context, tx *database.Tx, t domain.Transfer) (wallet domain.Wallet, booked bool, err error) {
	if err := t.Validate(); err != nil {
		return domain.Wallet{}, false, err
	}
	if t.WalletID != "" {
		if wallet, booked, err = move(ctx, tx, t); err != nil || !booked {
			return domain.Wallet{}, false, err
		}
	}
	resolves := sql.NullString{String: t.Resolves, Valid: t.Resolves != ""}
	if _, err := tx.Exec(ctx, `INSERT INTO transfers (id, kind, reference, resolves, wallet_id, amount, currency, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		t.ID, string(t.Kind), t.Reference, resolves, t.WalletID, t.Amount, domain.Currency, t.CreatedAt); err != nil {
		return domain.Wallet{}, false, fmt.Errorf("insert transfer %s of %s: %w", t.Kind, t.Reference, err)
	}
	values := make([]any, 0, len(t.Entries)*6)
	for _, e := range t.Entries {
		values = append(values, t.ID, string(e.Account), e.WalletID, domain.Currency, e.Posted, e.Pending)
	}
	rows := strings.Repeat(", (?, ?, ?, ?, ?, ?)", len(t.Entries))[2:]
	if _, err := tx.Exec(ctx, `INSERT INTO entries (transfer_id, account, wallet_id, currency, posted, pending) VALUES `+rows, values...); err != nil {
		return domain.Wallet{}, false, fmt.Errorf("insert entries of transfer %s: %w", t.ID, err)
	}
	return wallet, true, nil
}

// move changes the wallet's row if it can spare the money.
func move(ctx context.Context, tx *database.Tx, t domain.Transfer) (domain.Wallet, bool, error) {
	balance, held, incoming := t.WalletChange()
	w := domain.Wallet{UserID: t.WalletID}
	err := tx.QueryRow(ctx, `UPDATE wallets SET balance = balance + ?, held = held + ?, incoming = incoming + ?, version = version + 1, updated_at = ?
		WHERE user_id = ? AND balance + ? >= held + ? AND held + ? >= 0 AND incoming + ? >= 0
		RETURNING balance, held, incoming, version`,
		balance, held, incoming, t.CreatedAt, t.WalletID, balance, held, held, incoming).
		Scan(&w.Balance, &w.Held, &w.Incoming, &w.Version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return domain.Wallet{}, false, nil
	case err != nil:
		return domain.Wallet{}, false, fmt.Errorf("move money of wallet: %w", err)
	}
	return w, true, nil
}

// WalletTransfers returns up to limit transfers that moved the user's wallet, newest first: those with ids before the one
// given, "" for the newest.
func (s *Store) WalletTransfers(ctx context.Context, userID, before string, limit int) ([]domain.Transfer, error) {
	query := s.read.Transfer.Query().Where(transfer.WalletID(userID))
	if before != "" {
		query.Where(transfer.IDLT(before))
	}
	rows, err := query.Order(db.Desc(transfer.FieldID)).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list transfers: %w", err)
	}
	transfers := make([]domain.Transfer, len(rows))
	for i, row := range rows {
		transfers[i] = domain.Transfer{
			ID: row.ID, Kind: domain.TransferKind(row.Kind), Reference: row.Reference, WalletID: row.WalletID,
			Amount: row.Amount, CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return transfers, nil
}

// Balance is the sum of all accounts of one kind.
type Balance struct {
	Account         domain.Account
	Currency        string
	Posted, Pending int64
}

// TrialBalance returns the sums of the ledger's accounts, by kind and currency.
func (s *Store) TrialBalance(ctx context.Context) ([]Balance, error) {
	rows, err := s.db.Query(ctx, `SELECT account, currency, CAST(SUM(posted) AS bigint), CAST(SUM(pending) AS bigint) FROM entries GROUP BY account, currency ORDER BY account, currency`)
	if err != nil {
		return nil, fmt.Errorf("sum accounts: %w", err)
	}
	defer rows.Close()
	var balances []Balance
	for rows.Next() {
		var b Balance
		if err := rows.Scan(&b.Account, &b.Currency, &b.Posted, &b.Pending); err != nil {
			return nil, fmt.Errorf("sum accounts: %w", err)
		}
		balances = append(balances, b)
	}
	return balances, rows.Err()
}
