package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

func TestRefreshRotates(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		id := f.login(u, "t0")
		for n := range 3 {
			require.NoError(t, f.Refresh(t.Context(), fmt.Sprintf("t%d", n), fmt.Sprintf("t%d", n+1), func(s domain.Session, role domain.Role) error {
				require.Equal(t, id, s.ID)
				require.Equal(t, u.ID, s.SubjectID)
				require.Equal(t, domain.Customer, role)
				return nil
			}))
		}
		require.Empty(t, announced[*eventv1.UserSessionsRevoked](f))
		require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), "unknown", "x", issue)))
	})
}

func TestReuseEndsTheFamily(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		id, other := f.login(u, "t0"), f.login(u, "other")
		require.NoError(t, f.Refresh(t.Context(), "t0", "t1", issue))

		require.Equal(t, "REFRESH_TOKEN_REUSED", fault.ReasonOf(f.Refresh(t.Context(), "t0", "x", issue)))
		for _, token := range []string{"t0", "t1", "x"} {
			require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), token, "y", issue)), token)
		}
		revoked := announced[*eventv1.UserSessionsRevoked](f)
		require.Len(t, revoked, 1)
		require.Equal(t, id, revoked[0].GetSessionId())
		require.Equal(t, u.ID, revoked[0].GetUserId())
		require.NotEqual(t, id, other)
		require.NoError(t, f.Refresh(t.Context(), "other", "other1", issue), "another session goes on")
	})
}

func TestOfTwoRefreshesAtOnceOneWins(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		f.login(u, "t0")
		reasons := make(chan string, 8)
		var group sync.WaitGroup
		for n := range cap(reasons) {
			group.Go(func() { reasons <- fault.ReasonOf(f.Refresh(t.Context(), "t0", fmt.Sprintf("next%d", n), issue)) })
		}
		group.Wait()
		close(reasons)
		count := make(map[string]int)
		for reason := range reasons {
			count[reason]++
		}
		require.Equal(t, map[string]int{"": 1, "REFRESH_TOKEN_REUSED": 1, "REFRESH_TOKEN_INVALID": 6}, count)
		require.Len(t, announced[*eventv1.UserSessionsRevoked](f), 1)
		require.Equal(t, 2, f.count(`SELECT count(*) FROM refresh_tokens`))
	})
}

func TestSessionsEndForGood(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		guest := newID()
		open := f.opening(guest, true, "g0")
		require.NoError(t, f.OpenGuestSession(t.Context(), open))
		require.NoError(t, f.Refresh(t.Context(), "g0", "g1", func(s domain.Session, role domain.Role) error {
			require.Equal(t, domain.Guest, role)
			return nil
		}))

		require.NoError(t, f.EndSession(t.Context(), newID(), open.Session.ID), "somebody else's")
		require.NoError(t, f.Refresh(t.Context(), "g1", "g2", issue))
		require.NoError(t, f.EndSession(t.Context(), guest, open.Session.ID))
		require.NoError(t, f.EndSession(t.Context(), guest, open.Session.ID), "a second time")
		require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), "g2", "g3", issue)))
		require.Len(t, announced[*eventv1.UserSessionsRevoked](f), 1)
	})
}

func TestSessionsExpireAbsolutely(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		id := f.login(u, "t0")
		require.NoError(t, f.Refresh(t.Context(), "t0", "t1", issue))
		require.NoError(t, f.exec(`UPDATE sessions SET expires_at = ? WHERE id = ?`, f.Now(), id))
		require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), "t1", "t2", issue)))
	})
}

func TestNewPasswordEndsOtherSessions(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		mine, other := f.login(u, "mine"), f.login(u, "other")
		require.NoError(t, f.ChangePassword(t.Context(), u.ID, 1, "hash2", mine))

		require.NoError(t, f.Refresh(t.Context(), "mine", "mine1", issue))
		require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), "other", "x", issue)))
		revoked := announced[*eventv1.UserSessionsRevoked](f)
		require.Len(t, revoked, 1)
		require.Equal(t, other, revoked[0].GetSessionId())
		_, err := f.OpenSession(t.Context(), store.Credential{UserID: u.ID, Generation: 1}, "", f.opening(u.ID, false, "late"))
		require.ErrorIs(t, err, store.ErrPasswordChanged, "a log-in with the old password comes too late")
	})
}

// A role that is about to be taken away is in no token that outlives the change.
func TestTokensDoNotOutrunARoleChange(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		f.create("boss@example.com", domain.Staff)
		for round := range 10 {
			u := f.create(fmt.Sprintf("staff%d@example.com", round), domain.Staff)
			first := f.login(u, fmt.Sprintf("first%d", round))
			held, err := f.CredentialOf(t.Context(), u.ID)
			require.NoError(t, err)

			var group sync.WaitGroup
			issued := make(chan string, 2) // sessions that got a token of staff
			note := func(s domain.Session, role domain.Role) error {
				if role == domain.Staff {
					issued <- s.ID
				}
				return nil
			}
			group.Go(func() {
				err := f.Refresh(t.Context(), fmt.Sprintf("first%d", round), fmt.Sprintf("next%d", round), note)
				if err != nil && fault.ReasonOf(err) != "REFRESH_TOKEN_INVALID" {
					t.Error(err)
				}
			})
			group.Go(func() {
				open := f.opening(u.ID, false, fmt.Sprintf("second%d", round))
				open.Issue = note
				if _, err := f.OpenSession(t.Context(), held, "", open); err != nil {
					t.Error(err)
				}
			})
			group.Go(func() {
				if _, err := f.SetRole(t.Context(), u.ID, domain.Customer, "boss"); err != nil {
					t.Error(err)
				}
			})
			group.Wait()
			close(issued)

			ended := map[string]bool{}
			for _, revoked := range announced[*eventv1.UserSessionsRevoked](f) {
				ended[revoked.GetSessionId()] = true
			}
			require.True(t, ended[first])
			for id := range issued {
				require.True(t, ended[id], "a session with a token of staff goes on")
			}
		}
	})
}

func TestSurplusSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		for n := range domain.MaxSessions + 2 {
			f.login(u, fmt.Sprintf("t%d", n))
		}
		require.Equal(t, domain.MaxSessions, f.count(`SELECT count(*) FROM sessions WHERE ended_at IS NULL`))
		require.Equal(t, "REFRESH_TOKEN_INVALID", fault.ReasonOf(f.Refresh(t.Context(), "t1", "x", issue)), "the one used longest ago")
		require.NoError(t, f.Refresh(t.Context(), "t2", "y", issue))
	})
}

func TestPruneForgetsWhatIsOver(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		u := f.create("ann@example.com", domain.Customer)
		live, expired, ended, justEnded := f.login(u, "a"), f.login(u, "b"), f.login(u, "c"), f.login(u, "d")
		now := f.Now()
		require.NoError(t, f.exec(`UPDATE sessions SET expires_at = ? WHERE id = ?`, now.Add(-time.Second), expired))
		require.NoError(t, f.exec(`UPDATE sessions SET ended_at = ? WHERE id = ?`, now.Add(-25*time.Hour), ended))
		require.NoError(t, f.exec(`UPDATE sessions SET ended_at = ? WHERE id = ?`, now.Add(-time.Hour), justEnded))

		more, err := f.PruneSessions(t.Context())
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, 2, f.count(`SELECT count(*) FROM sessions WHERE id IN (?, ?)`, live, justEnded))
		require.Equal(t, 2, f.count(`SELECT count(*) FROM sessions`))
		require.Equal(t, 2, f.count(`SELECT count(*) FROM refresh_tokens`))
	})
}
