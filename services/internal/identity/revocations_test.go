package identity_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/embedded"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

func principal(session string, issued time.Time) identity.Principal {
	return identity.Principal{ID: "u1", Role: identity.RoleCustomer, SessionID: session, IssuedAt: issued}
}

func TestRevokingOneSessionLeavesTheOthers(t *testing.T) {
	clock := newClock()
	revocations := identity.NewRevocations(clock.Now)
	revocations.Revoke("u1", "s1", clock.Now())
	require.True(t, revocations.Revoked(principal("s1", clock.Now().Add(-time.Minute))))
	require.True(t, revocations.Revoked(principal("s1", clock.Now().Add(time.Second))), "a clock ahead does not revive a session")
	require.False(t, revocations.Revoked(principal("s2", clock.Now().Add(-time.Minute))))
	other := principal("s1", clock.Now())
	other.ID = "u2"
	require.False(t, revocations.Revoked(other))
}

func TestRevokingAllSessionsSparesLaterTokens(t *testing.T) {
	clock := newClock()
	revocations := identity.NewRevocations(clock.Now)
	at := clock.Now()
	revocations.Revoke("u1", "", at)
	revocations.Revoke("u1", "", at.Add(-time.Minute)) // older news change nothing
	require.True(t, revocations.Revoked(principal("s1", at.Add(-time.Microsecond))))
	require.True(t, revocations.Revoked(principal("s1", at)))
	require.False(t, revocations.Revoked(principal("s2", at.Add(time.Microsecond))), "the log-in right after counts")
}

func TestRevocationsAreForgottenWhenTheirTokensAreDead(t *testing.T) {
	clock := newClock()
	revocations := identity.NewRevocations(clock.Now)
	revocations.Revoke("u1", "s1", clock.Now())
	revocations.Revoke("u2", "", clock.Now())
	require.Equal(t, 2, revocations.Len())
	clock.Advance(identity.AccessTokenLife)
	revocations.Revoke("u3", "", clock.Now())
	require.Equal(t, 3, revocations.Len())
	clock.Advance(2 * time.Minute)
	revocations.Revoke("u4", "", clock.Now())
	require.Equal(t, 2, revocations.Len())
	revocations.Revoke("u5", "", clock.Now().Add(-time.Hour))
	require.Equal(t, 2, revocations.Len(), "what is too old to matter is not taken in")
}

func TestWatchersHearOfTheirOwnSessionOnly(t *testing.T) {
	clock := newClock()
	revocations := identity.NewRevocations(clock.Now)
	first, stopFirst := revocations.Watch(principal("s1", clock.Now()))
	defer stopFirst()
	second, stopSecond := revocations.Watch(principal("s2", clock.Now()))
	defer stopSecond()

	revocations.Revoke("u1", "s1", clock.Now())
	requireClosed(t, first)
	requireOpen(t, second)
	late, stopLate := revocations.Watch(principal("s1", clock.Now()))
	defer stopLate()
	requireClosed(t, late)
	revocations.Revoke("u1", "", clock.Now())
	requireClosed(t, second)
}

func TestRevocationsAreHeardFromTheStream(t *testing.T) {
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(broker, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "USERS", Subjects: []string{"taproom.user.>"}})
	require.NoError(t, err)
	publish := func(user, session string) {
		data, err := proto.Marshal(&eventv1.UserSessionsRevoked{
			UserId: user, SessionId: session, RevokedAt: timestamppb.New(time.Now()),
		})
		require.NoError(t, err)
		_, err = js.Publish(t.Context(), "taproom.user.sessions_revoked."+user, data)
		require.NoError(t, err)
	}
	issued := time.Now()
	revoked := func(r *identity.Revocations, user, session string) bool {
		return r.Revoked(identity.Principal{ID: user, SessionID: session, IssuedAt: issued})
	}

	publish("u1", "s1")
	_, err = js.Publish(t.Context(), "taproom.user.registered.u1", nil)
	require.NoError(t, err)
	revocations := identity.NewRevocations(time.Now)
	require.False(t, revocations.Healthy())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.NoError(t, revocations.Start(ctx, js))
	require.True(t, revocations.Healthy())
	require.True(t, revoked(revocations, "u1", "s1"), "what was published before the start is known after it")
	require.False(t, revoked(revocations, "u1", "s2"))

	publish("u2", "")
	require.Eventually(t, func() bool { return revoked(revocations, "u2", "any") }, time.Second, 5*time.Millisecond)
	_, err = js.Publish(t.Context(), "taproom.user.sessions_revoked.u3", []byte("not an event"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return revoked(revocations, "u3", "any") }, time.Second, 5*time.Millisecond,
		"what can't be read revokes everything of its user")

	broker.Shutdown()
	require.Eventually(t, func() bool { return !revocations.Healthy() }, 10*time.Second, 50*time.Millisecond)
	require.True(t, revoked(revocations, "u2", "any"), "what is known stays known")
}

func TestStartNeedsTheStream(t *testing.T) {
	broker, conn, err := embedded.NATS(t.TempDir(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = embedded.StopNATS(broker, conn) })
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	require.ErrorIs(t, identity.NewRevocations(time.Now).Start(t.Context(), js), jetstream.ErrStreamNotFound)
}

func requireClosed(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	default:
		t.Fatal("the watcher was not told")
	}
}

func requireOpen(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
		t.Fatal("the watcher was told of another session")
	default:
	}
}
