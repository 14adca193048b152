package store_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

func TestOneAccountPerAddress(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		var created, taken atomic.Int64
		var group sync.WaitGroup
		for n := range 8 {
			group.Go(func() {
				email := "ann@example.com"
				if n%2 == 1 {
					email = strings.ToUpper(email)
				}
				u, first := domain.Register(newID(), email, "Ann", domain.Customer, f.Now())
				err := f.Create(t.Context(), u, first, "hash", nil)
				switch {
				case err == nil:
					created.Add(1)
				case fault.ReasonOf(err) == "EMAIL_TAKEN":
					taken.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, created.Load())
		require.EqualValues(t, 7, taken.Load())
		require.Equal(t, 1, f.count(`SELECT count(*) FROM users`))
		require.Equal(t, 1, f.count(`SELECT count(*) FROM person_keys`))
		require.Len(t, announced[*eventv1.UserRegistered](f), 1)
	})
}

func TestStateCanBeRebuilt(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		f.create("boss@example.com", domain.Staff)
		ann, bob := f.create("Ann@example.com", domain.Customer), f.create("bob@example.com", domain.Customer)
		for n := range 3 {
			_, err := f.Change(t.Context(), ann.ID, func(u *domain.User) ([]domain.Event, error) {
				return u.Rename(fmt.Sprintf("Ann %d", n), ann.ID, f.Now()), nil
			})
			require.NoError(t, err)
		}
		_, err := f.SetRole(t.Context(), ann.ID, domain.Staff, "boss")
		require.NoError(t, err)
		require.NoError(t, f.ChangePassword(t.Context(), bob.ID, 1, "hash2", ""))

		for _, id := range []string{ann.ID, bob.ID} {
			state, err := f.User(t.Context(), id)
			require.NoError(t, err)
			rebuilt, err := f.Rebuild(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, state, rebuilt)
		}
		rebuilt, err := f.Rebuild(t.Context(), ann.ID)
		require.NoError(t, err)
		require.Equal(t, "Ann@example.com", rebuilt.Email)
		require.Equal(t, "Ann 2", rebuilt.DisplayName)
		require.Equal(t, domain.Staff, rebuilt.Role)
		require.EqualValues(t, 5, rebuilt.Version)

		_, err = f.Rebuild(t.Context(), newID())
		require.Equal(t, "USER_NOT_FOUND", fault.ReasonOf(err))
	})
}

func TestConcurrentChangesAllCount(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		var group sync.WaitGroup
		for n := range 10 {
			group.Go(func() {
				_, err := f.Change(t.Context(), u.ID, func(u *domain.User) ([]domain.Event, error) {
					return u.Rename(fmt.Sprint(n), u.ID, f.Now()), nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		state, err := f.User(t.Context(), u.ID)
		require.NoError(t, err)
		require.EqualValues(t, 11, state.Version)
		rebuilt, err := f.Rebuild(t.Context(), u.ID)
		require.NoError(t, err)
		require.Equal(t, state, rebuilt)
	})
}

func TestHistoryTellsNoPersonalData(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("secret-person@example.com", domain.Customer)
		rows, err := f.db.Query(t.Context(), `SELECT sealed FROM user_events WHERE sealed IS NOT NULL`)
		require.NoError(t, err)
		defer rows.Close()
		require.True(t, rows.Next())
		var sealed []byte
		require.NoError(t, rows.Scan(&sealed))
		require.NotContains(t, string(sealed), "secret-person")
		require.False(t, rows.Next())

		events, err := f.History(t.Context(), u.ID, 0, 10)
		require.NoError(t, err)
		require.Equal(t, domain.Registered{Role: domain.Customer}, events[0].Fact)
	})
}

func TestDeleteShredsTheHistory(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		_, err := f.Change(t.Context(), u.ID, func(u *domain.User) ([]domain.Event, error) {
			return u.Rename("Ann of Cleves", u.ID, f.Now()), nil
		})
		require.NoError(t, err)
		f.login(u, "token")
		_, err = f.CreateAddress(t.Context(), domain.Address{ID: newID(), UserID: u.ID, City: "Köln"})
		require.NoError(t, err)

		require.NoError(t, f.Delete(t.Context(), u.ID, 1))

		for _, table := range []string{"person_keys", "credentials", "addresses", "sessions", "refresh_tokens"} {
			require.Zero(t, f.count(`SELECT count(*) FROM `+table), table)
		}
		require.Equal(t, 2, f.count(`SELECT count(*) FROM user_events WHERE user_id = ? AND sealed IS NOT NULL`, u.ID))
		rebuilt, err := f.Rebuild(t.Context(), u.ID)
		require.NoError(t, err, "the history without personal data remains")
		require.True(t, rebuilt.Deleted())
		require.Empty(t, rebuilt.Email+rebuilt.DisplayName)
		require.Zero(t, f.count(`SELECT count(*) FROM users WHERE email IS NOT NULL OR email_key IS NOT NULL OR display_name <> ''`))
		_, err = f.User(t.Context(), u.ID)
		require.Equal(t, "USER_NOT_FOUND", fault.ReasonOf(err))

		require.Len(t, announced[*eventv1.UserDeleted](f), 1)
		revoked := announced[*eventv1.UserSessionsRevoked](f)
		require.NotEmpty(t, revoked)
		require.Empty(t, revoked[0].GetSessionId(), "all sessions")

		again := f.create("ann@example.com", domain.Customer)
		require.NotEqual(t, u.ID, again.ID, "the address is free")
	})
}

func TestEventsOfAnotherPersonDoNotOpen(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		ann, bob := f.create("ann@example.com", domain.Customer), f.create("bob@example.com", domain.Customer)
		require.NoError(t, f.exec(`UPDATE person_keys SET wrapped = (SELECT wrapped FROM person_keys WHERE id = ?) WHERE id = ?`, ann.ID, bob.ID))
		_, err := f.Rebuild(t.Context(), bob.ID)
		require.Error(t, err)
	})
}

func TestDeleteNeedsTheCheckedPassword(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		require.NoError(t, f.ChangePassword(t.Context(), u.ID, 1, "hash2", ""))
		require.ErrorIs(t, f.Delete(t.Context(), u.ID, 1), store.ErrPasswordChanged)
		require.ErrorIs(t, f.ChangePassword(t.Context(), u.ID, 1, "hash3", ""), store.ErrPasswordChanged)
		state, err := f.User(t.Context(), u.ID)
		require.NoError(t, err)
		require.EqualValues(t, 2, state.Version, "a refused change leaves no event")
	})
}

func TestSomebodyStaysStaff(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		ann, bob := f.create("ann@example.com", domain.Staff), f.create("bob@example.com", domain.Staff)
		errs := make(chan error, 2)
		for _, u := range []domain.User{ann, bob} {
			go func() {
				_, err := f.SetRole(t.Context(), u.ID, domain.Customer, "somebody")
				errs <- err
			}()
		}
		first, second := <-errs, <-errs
		require.True(t, (first == nil) != (second == nil), "%v / %v", first, second)
		if first == nil {
			first = second
		}
		require.Equal(t, "LAST_STAFF", fault.ReasonOf(first))
		require.Equal(t, 1, f.count(`SELECT count(*) FROM users WHERE role = 'STAFF'`))
		require.Len(t, announced[*eventv1.UserRoleChanged](f), 1)
	})
}

func TestUsersArePagedNewestFirst(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		var want []string
		for n := range 7 {
			want = append([]string{f.create(fmt.Sprintf("u%d@example.com", n), domain.Customer).ID}, want...)
		}
		var got []string
		before := ""
		for {
			page, err := f.Users(t.Context(), "", before, 3)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				got = append(got, u.ID)
			}
			before = got[len(got)-1]
		}
		require.Equal(t, want, got)

		found, err := f.Users(t.Context(), "U3@Example.com", "", 3)
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, "u3@example.com", found[0].Email)
	})
}
