package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestRegister(t *testing.T) {
	u, first := domain.Register("id", "Ann@Example.com", "Ann", domain.Customer, start)

	require.Equal(t, domain.User{
		ID: "id", Email: "Ann@Example.com", DisplayName: "Ann", Role: domain.Customer, Version: 1, CreatedAt: start, UpdatedAt: start,
	}, u)
	require.Equal(t, domain.TypeRegistered, first.Fact.Type())
	require.Equal(t, "id", first.ActorID)
}

func TestWhatChangesNothingIsNoEvent(t *testing.T) {
	u, _ := domain.Register("id", "ann@example.com", "Ann", domain.Customer, start)

	require.Empty(t, u.Rename("Ann", "id", start))
	events, err := u.ChangeRole(domain.Customer, 0, "staff", start)
	require.NoError(t, err)
	require.Empty(t, events)
	require.EqualValues(t, 1, u.Version)
}

func TestLastStaffStays(t *testing.T) {
	for _, staff := range []int{1, 2} {
		demoted, _ := domain.Register("id", "ann@example.com", "Ann", domain.Staff, start)
		_, roleErr := demoted.ChangeRole(domain.Customer, staff, "id", start)
		deleted, _ := domain.Register("id", "ann@example.com", "Ann", domain.Staff, start)
		_, deleteErr := deleted.Delete(staff, "id", start)

		if staff == 1 {
			require.Equal(t, "LAST_STAFF", fault.ReasonOf(roleErr))
			require.Equal(t, "LAST_STAFF", fault.ReasonOf(deleteErr))
			require.Equal(t, domain.Staff, demoted.Role)
			require.False(t, deleted.Deleted())
		} else {
			require.NoError(t, roleErr)
			require.NoError(t, deleteErr)
			require.Equal(t, domain.Customer, demoted.Role)
			require.True(t, deleted.Deleted())
		}
	}
}

func TestCustomersNeedNoStaffToGo(t *testing.T) {
	u, _ := domain.Register("id", "ann@example.com", "Ann", domain.Customer, start)
	_, err := u.Delete(0, "id", start)
	require.NoError(t, err)
	require.Empty(t, u.Email)
	require.Empty(t, u.DisplayName)
}

// Whatever happens to an account, folding its events gives the account.
func TestFoldGivesTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom([]domain.Role{domain.Customer, domain.Staff})
		u, first := domain.Register("id", rapid.String().Draw(t, "email"), rapid.String().Draw(t, "name"), role.Draw(t, "role"), start)
		events := []domain.Event{first}
		for n := range rapid.IntRange(0, 20).Draw(t, "steps") {
			now := start.Add(time.Duration(n) * time.Second)
			var more []domain.Event
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				more = u.Rename(rapid.StringN(1, 5, -1).Draw(t, "name"), "id", now)
			case 1:
				more = u.ChangePassword("id", now)
			case 2:
				more, _ = u.ChangeRole(role.Draw(t, "role"), rapid.IntRange(1, 2).Draw(t, "staff"), "staff", now)
			}
			events = append(events, more...)
		}
		if rapid.Bool().Draw(t, "delete") {
			more, err := u.Delete(2, "id", start.Add(time.Hour))
			require.NoError(t, err)
			events = append(events, more...)
		}

		folded, err := domain.Fold(events)
		require.NoError(t, err)
		require.Equal(t, u, folded)
		require.EqualValues(t, len(events), u.Version)
	})
}

func TestFoldRefusesGapsAndStrangers(t *testing.T) {
	_, first := domain.Register("id", "ann@example.com", "Ann", domain.Customer, start)
	for name, second := range map[string]domain.Event{
		"gap":      {UserID: "id", Version: 3, Fact: domain.PasswordChanged{}},
		"twice":    {UserID: "id", Version: 1, Fact: domain.PasswordChanged{}},
		"stranger": {UserID: "other", Version: 2, Fact: domain.PasswordChanged{}},
	} {
		_, err := domain.Fold([]domain.Event{first, second})
		require.Error(t, err, name)
	}
}

func TestCheckPassword(t *testing.T) {
	for password, reason := range map[string]string{
		"nine char":            "PASSWORD_LENGTH",
		"ten chars!":           "",
		"zehn Äpfel":           "",
		"Ann@Example.COM":      "PASSWORD_IS_EMAIL",
		"password123":          "PASSWORD_TOO_COMMON",
		"PassWord123":          "PASSWORD_TOO_COMMON",
		"qwertyuiop":           "PASSWORD_TOO_COMMON",
		"zzzzzzzzzzzz":         "PASSWORD_TOO_COMMON",
		"tangible-otter-lager": "",
	} {
		err := domain.CheckPassword(password, "ann@example.com", "new_password")
		require.Equal(t, reason, fault.ReasonOf(err), password)
		if err != nil {
			var refused *fault.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "new_password", refused.Fields[0].Path)
		}
	}
	long := make([]byte, domain.MaxPassword+1)
	for i := range long {
		long[i] = byte('a' + i%26)
	}
	require.Equal(t, "PASSWORD_LENGTH", fault.ReasonOf(domain.CheckPassword(string(long), "", "password")))
	require.NoError(t, domain.CheckPassword(string(long[1:]), "", "password"))
}

func TestEmailKeyIgnoresCase(t *testing.T) {
	require.Equal(t, domain.EmailKey("ann@example.com"), domain.EmailKey("Ann@EXAMPLE.com"))
	require.NotEqual(t, domain.EmailKey("ann@example.com"), domain.EmailKey("anne@example.com"))
}
