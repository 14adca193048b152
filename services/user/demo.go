package user

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/password"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

// DemoAccount is an account that a demo shop starts with, to be told to whoever started it.
type DemoAccount struct {
	Email    string
	Password string
	// Role is `CUSTOMER` or `STAFF`.
	Role string
	// Changed says that somebody gave the account another password, so that Password no longer works.
	Changed bool
}

// demoFile keeps the passwords of demo accounts, so that later starts can tell them again.
const demoFile = "demo-accounts.json"

var demoAccounts = []struct {
	email, name string
	role        domain.Role
	address     *domain.Address
}{
	{email: "staff@taproom.example", name: "Sam from the shop", role: domain.Staff},
	{email: "customer@taproom.example", name: "Charlie", role: domain.Customer, address: &domain.Address{
		Recipient: "Charlie Customer", Street: "Hopfenweg 7", City: "Bamberg", PostalCode: "96047", Country: "DE", IsDefault: true,
	}},
}

// EnsureDemoAccounts makes the accounts of a demo shop: a member of staff, and a customer with an address. Their passwords are
// made up at the first start and kept in the folder secrets, for the owner's eyes alone; without that file an account that
// is there already gets a new one. It needs the migrated database and no other service. Of cfg the cost of hashes counts.
func EnsureDemoAccounts(ctx context.Context, cfg Config, deps Deps, secrets string) ([]DemoAccount, error) {
	path := filepath.Join(secrets, demoFile)
	known, err := readPasswords(path)
	if err != nil {
		return nil, err
	}
	kept, err := openStore(deps)
	if err != nil {
		return nil, err
	}
	passwords := make(map[string]string, len(demoAccounts))
	for _, account := range demoAccounts {
		if passwords[account.email] = known[account.email]; passwords[account.email] == "" {
			passwords[account.email] = readablePassword()
		}
	}
	// Before the accounts: a password that is lost in a crash would leave an account that nobody can enter.
	if err := writePasswords(path, passwords); err != nil {
		return nil, err
	}
	hasher := cfg.hasher()
	accounts := make([]DemoAccount, 0, len(demoAccounts))
	for _, account := range demoAccounts {
		told := DemoAccount{Email: account.email, Password: passwords[account.email], Role: string(account.role)}
		held, err := ensureAccount(ctx, kept, hasher, account.email, account.name, account.role, told.Password, known[account.email] == "")
		if err != nil {
			return nil, fmt.Errorf("demo account %s: %w", account.email, err)
		}
		told.Changed = !held.passwordWorks
		if account.address != nil {
			if err := ensureAddress(ctx, kept, held.userID, *account.address); err != nil {
				return nil, fmt.Errorf("address of the demo account %s: %w", account.email, err)
			}
		}
		accounts = append(accounts, told)
	}
	return accounts, nil
}

// DemoStaff reads the account of a demo's member of staff from its folder of secrets. It fails with fs.ErrNotExist when no
// demo ever ran there.
func DemoStaff(secrets string) (DemoAccount, error) {
	passwords, err := readPasswords(filepath.Join(secrets, demoFile))
	if err != nil {
		return DemoAccount{}, err
	}
	for _, account := range demoAccounts {
		if secret := passwords[account.email]; account.role == domain.Staff && secret != "" {
			return DemoAccount{Email: account.email, Password: secret, Role: string(account.role)}, nil
		}
	}
	return DemoAccount{}, fmt.Errorf("no demo account in %s: %w", secrets, fs.ErrNotExist)
}

// EnsureStaff opens an account for a member of staff, so that a new shop has somebody who can make others staff. If there is
// an account with this e-mail address it becomes staff and keeps its password, and created is false.
func EnsureStaff(ctx context.Context, cfg Config, deps Deps, email, name, secret string) (created bool, err error) {
	if err := domain.CheckPassword(secret, email, "password"); err != nil {
		return false, err
	}
	kept, err := openStore(deps)
	if err != nil {
		return false, err
	}
	held, err := ensureAccount(ctx, kept, cfg.hasher(), email, name, domain.Staff, secret, false)
	if err != nil {
		return false, err
	}
	if !held.created {
		_, err = kept.SetRole(ctx, held.userID, domain.Staff, held.userID)
	}
	return held.created, err
}

// ensured says what became of an account that was to be there.
type ensured struct {
	userID        string
	created       bool
	passwordWorks bool
}

// ensureAccount makes an account if there is none with this e-mail address. With reset the password of one that is there is
// replaced.
func ensureAccount(ctx context.Context, kept *store.Store, hasher *password.Hasher, email, name string, role domain.Role, secret string, reset bool) (ensured, error) {
	held, err := kept.CredentialByEmail(ctx, email)
	if err != nil {
		return ensured{}, err
	}
	if held.UserID != "" && !reset {
		works, _, err := hasher.Verify(ctx, secret, held.Hash)
		return ensured{userID: held.UserID, passwordWorks: works}, err
	}
	hash, err := hasher.Hash(ctx, secret)
	if err != nil {
		return ensured{}, err
	}
	if held.UserID != "" {
		err := kept.ChangePassword(ctx, held.UserID, held.Generation, hash, "")
		return ensured{userID: held.UserID, passwordWorks: true}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return ensured{}, err
	}
	account, first := domain.Register(id.String(), email, name, role, kept.Now())
	err = kept.Create(ctx, account, first, hash, nil)
	if fault.ReasonOf(err) == "EMAIL_TAKEN" { // another process was faster
		return ensureAccount(ctx, kept, hasher, email, name, role, secret, false)
	}
	return ensured{userID: account.ID, created: true, passwordWorks: true}, err
}

func ensureAddress(ctx context.Context, kept *store.Store, userID string, address domain.Address) error {
	saved, err := kept.Addresses(ctx, userID)
	if err != nil || len(saved) > 0 {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	address.ID, address.UserID = id.String(), userID
	_, err = kept.CreateAddress(ctx, address)
	return err
}

func readPasswords(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the demo passwords: %w", err)
	}
	var passwords map[string]string
	if err := json.Unmarshal(content, &passwords); err != nil {
		return nil, fmt.Errorf("read the demo passwords in %s (remove the file to get new ones): %w", path, err)
	}
	return passwords, nil
}

// writePasswords replaces the file as a whole.
func writePasswords(path string, passwords map[string]string) error {
	content, err := json.MarshalIndent(passwords, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("folder of the demo passwords: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".demo-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("keep the demo passwords: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(content, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep the demo passwords: %w", err)
	}
	return nil
}

// readablePassword returns four groups of four letters and digits, none of which looks like another: 80 bits.
func readablePassword() string {
	text := strings.ToLower(rand.Text()) // base32, 26 characters
	return strings.Join([]string{text[0:4], text[4:8], text[8:12], text[12:16]}, "-")
}
