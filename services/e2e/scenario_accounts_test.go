package e2e_test

import (
	"crypto/rand"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func accounts(t *testing.T, w world) {
	ctx, anybody := t.Context(), w.as("").Users
	email, password, changed := rand.Text()+"@taproom.example", rand.Text(), rand.Text()

	registered, err := anybody.Register(ctx, &userv1.RegisterRequest{Email: email, Password: password, DisplayName: "Ada"})
	require.NoError(t, err)
	require.Equal(t, email, registered.GetUser().GetEmail())
	require.Equal(t, userv1.Role_ROLE_CUSTOMER, registered.GetSession().GetRole())
	id := registered.GetUser().GetId()

	login, err := anybody.Login(ctx, &userv1.LoginRequest{Email: email, Password: password})
	require.NoError(t, err)
	require.Equal(t, id, login.GetUser().GetId())
	fresh, err := anybody.RefreshSession(ctx, &userv1.RefreshSessionRequest{RefreshToken: login.GetSession().GetRefreshToken()})
	require.NoError(t, err)
	require.Equal(t, id, fresh.GetSession().GetSubjectId())
	require.NotEqual(t, login.GetSession().GetRefreshToken(), fresh.GetSession().GetRefreshToken())

	me := w.as(fresh.GetSession().GetAccessToken()).Users
	profile, err := me.GetProfile(ctx, &userv1.GetProfileRequest{})
	require.NoError(t, err)
	require.Equal(t, "Ada", profile.GetUser().GetDisplayName())
	renamed, err := me.UpdateProfile(ctx, &userv1.UpdateProfileRequest{DisplayName: "Ada P."})
	require.NoError(t, err)
	require.Equal(t, "Ada P.", renamed.GetUser().GetDisplayName())
	require.Equal(t, profile.GetUser().GetVersion()+1, renamed.GetUser().GetVersion())

	_, err = me.ChangePassword(ctx, &userv1.ChangePasswordRequest{CurrentPassword: password, NewPassword: changed})
	require.NoError(t, err)
	_, err = anybody.Login(ctx, &userv1.LoginRequest{Email: email, Password: password})
	requireRefused(t, err, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")

	addresses(t, me)
	leave(t, w)

	_, err = me.DeleteAccount(ctx, &userv1.DeleteAccountRequest{Password: changed})
	require.NoError(t, err)
	_, err = anybody.Login(ctx, &userv1.LoginRequest{Email: email, Password: changed})
	requireRefused(t, err, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
}

func addresses(t *testing.T, me userv1connect.UserServiceClient) {
	ctx := t.Context()
	first, err := me.CreateAddress(ctx, &userv1.CreateAddressRequest{Address: shoptest.Address()})
	require.NoError(t, err)
	require.True(t, first.GetAddress().GetIsDefault(), "the first one is the default")
	moved := shoptest.Address()
	moved.City = "Lübeck"
	updated, err := me.UpdateAddress(ctx, &userv1.UpdateAddressRequest{Id: first.GetAddress().GetId(), Address: moved})
	require.NoError(t, err)
	require.Equal(t, "Lübeck", updated.GetAddress().GetAddress().GetCity())
	list, err := me.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetAddresses(), 1)
	require.Equal(t, "Lübeck", list.GetAddresses()[0].GetAddress().GetCity())
	_, err = me.DeleteAddress(ctx, &userv1.DeleteAddressRequest{Id: first.GetAddress().GetId()})
	require.NoError(t, err)
	list, err = me.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetAddresses())
}

// leave has a guest come and go.
func leave(t *testing.T, w world) {
	started, err := w.as("").Users.StartGuest(t.Context(), &userv1.StartGuestRequest{})
	require.NoError(t, err)
	require.Equal(t, userv1.Role_ROLE_GUEST, started.GetSession().GetRole())
	guest := w.as(started.GetSession().GetAccessToken())
	_, err = guest.Users.Logout(t.Context(), &userv1.LogoutRequest{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := guest.Users.Logout(t.Context(), &userv1.LogoutRequest{})
		reason, _ := shoptest.Reason(err)
		return reason == "TOKEN_REVOKED"
	}, 5*time.Second, 5*time.Millisecond)
}

func accountsForStaff(t *testing.T, w world) {
	ctx, somebody, staff := t.Context(), w.register(t), w.staff.UsersAdmin

	list, err := staff.ListUsers(ctx, &userv1.ListUsersRequest{Email: somebody.Account.Email})
	require.NoError(t, err)
	require.Len(t, list.GetUsers(), 1)
	require.Equal(t, somebody.ID, list.GetUsers()[0].GetId())
	page, err := staff.ListUsers(ctx, &userv1.ListUsersRequest{PageSize: 1})
	require.NoError(t, err)
	require.Len(t, page.GetUsers(), 1)
	next, err := staff.ListUsers(ctx, &userv1.ListUsersRequest{PageSize: 1, PageToken: page.GetNextPageToken()})
	require.NoError(t, err)
	require.Less(t, next.GetUsers()[0].GetId(), page.GetUsers()[0].GetId(), "newest first")

	found, err := staff.GetUser(ctx, &userv1.GetUserRequest{Id: somebody.ID})
	require.NoError(t, err)
	require.Equal(t, userv1.Role_ROLE_CUSTOMER, found.GetUser().GetRole())
	promoted, err := staff.SetUserRole(ctx, &userv1.SetUserRoleRequest{UserId: somebody.ID, Role: userv1.Role_ROLE_STAFF})
	require.NoError(t, err)
	require.Equal(t, userv1.Role_ROLE_STAFF, promoted.GetUser().GetRole())
	events, err := staff.ListUserEvents(ctx, &userv1.ListUserEventsRequest{UserId: somebody.ID})
	require.NoError(t, err)
	require.Equal(t, "registered", events.GetEvents()[0].GetType())
	last := events.GetEvents()[len(events.GetEvents())-1]
	require.Equal(t, "role_changed", last.GetType())
	require.Equal(t, w.staff.ID, last.GetActorId())
}
