package user_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/user"
)

var bamberg = &typev1.Address{Recipient: "Ann", Street: "Hopfenweg 7", City: "Bamberg", PostalCode: "96047", Country: "DE"}

func TestProfile(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, session := s.register("ann@example.com")
	client := s.users(session.GetAccessToken())

	updated, err := client.UpdateProfile(t.Context(), &userv1.UpdateProfileRequest{DisplayName: " Ann of Cleves "})
	require.NoError(t, err)
	require.Equal(t, "Ann of Cleves", updated.GetUser().GetDisplayName())
	require.EqualValues(t, 2, updated.GetUser().GetVersion())
	read, err := client.GetProfile(t.Context(), &userv1.GetProfileRequest{})
	require.NoError(t, err)
	require.Equal(t, updated.GetUser().String(), read.GetUser().String())
}

func TestChangePassword(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, mine := s.register("ann@example.com")
	other, err := s.login("ann@example.com", goodPassword)
	require.NoError(t, err)
	const next = "another-good-one"
	change := func(current, password string) error {
		_, err := s.users(mine.GetAccessToken()).ChangePassword(t.Context(), &userv1.ChangePasswordRequest{CurrentPassword: current, NewPassword: password})
		return err
	}
	requireFault(t, change("wrong", next), connect.CodePermissionDenied, "CREDENTIALS_INVALID")
	requireFault(t, change(goodPassword, "password123"), connect.CodeInvalidArgument, "PASSWORD_TOO_COMMON")
	require.NoError(t, change(goodPassword, next))

	s.hearRevocations()
	require.NoError(t, s.profile(mine.GetAccessToken()), "the own session goes on")
	_, err = s.refresh(mine.GetRefreshToken())
	require.NoError(t, err)
	requireFault(t, s.profile(other.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")
	_, err = s.refresh(other.GetRefreshToken())
	requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
	_, err = s.login("ann@example.com", goodPassword)
	requireFault(t, err, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")
	_, err = s.login("ann@example.com", next)
	require.NoError(t, err)
}

func TestDeleteAccount(t *testing.T) {
	databasetest.Each(t, user.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db, cheap())
		account, session := s.register("ann@example.com")
		client := s.users(session.GetAccessToken())
		_, err := client.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: bamberg})
		require.NoError(t, err)
		remove := func(password string) error {
			_, err := client.DeleteAccount(t.Context(), &userv1.DeleteAccountRequest{Password: password})
			return err
		}

		requireFault(t, remove("wrong"), connect.CodePermissionDenied, "CREDENTIALS_INVALID")
		s.orders.open.Store(1)
		requireFault(t, remove(goodPassword), connect.CodeFailedPrecondition, "ORDERS_OPEN")
		s.orders.open.Store(0)
		s.wallets.empty.Store(false)
		requireFault(t, remove(goodPassword), connect.CodeFailedPrecondition, "WALLET_NOT_EMPTY")
		s.wallets.empty.Store(true)
		s.orders.down.Store(true)
		requireFault(t, remove(goodPassword), connect.CodeUnavailable, "DELETION_UNAVAILABLE")
		s.orders.down.Store(false)
		require.NoError(t, s.profile(session.GetAccessToken()), "nothing was changed until now")
		require.False(t, s.orders.held.has(account.GetId()) || s.wallets.held.has(account.GetId()), "an account that stays can order")

		require.NoError(t, remove(goodPassword))
		require.True(t, s.orders.held.has(account.GetId()) && s.wallets.held.has(account.GetId()), "until its tokens are dead")
		s.hearRevocations()
		requireFault(t, s.profile(session.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")
		_, err = s.refresh(session.GetRefreshToken())
		requireFault(t, err, connect.CodeUnauthenticated, "REFRESH_TOKEN_INVALID")
		_, err = s.login("ann@example.com", goodPassword)
		requireFault(t, err, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")

		again, _ := s.register("ann@example.com")
		require.NotEqual(t, account.GetId(), again.GetId())
	})
}

// While a deletion is under way nothing can be ordered, whatever comes of it, and there is no second one.
func TestNothingIsOrderedWhileAnAccountIsDeleted(t *testing.T) {
	s := sqliteShop(t, cheap())
	account, session := s.register("ann@example.com")
	remove := func() error {
		_, err := s.users(session.GetAccessToken()).DeleteAccount(t.Context(), &userv1.DeleteAccountRequest{Password: goodPassword})
		return err
	}
	id := account.GetId()
	asked := 0
	s.wallets.asked = func() {
		if asked++; asked > 1 {
			return
		}
		require.True(t, s.orders.held.has(id), "who could bring money is asked first")
		requireFault(t, remove(), connect.CodeAborted, "ACCOUNT_CLOSING")
		require.True(t, s.orders.held.has(id) && s.wallets.held.has(id), "the second doesn't end the hold of the first")
	}
	s.wallets.empty.Store(false)
	requireFault(t, remove(), connect.CodeFailedPrecondition, "WALLET_NOT_EMPTY")
	require.False(t, s.orders.held.has(id) || s.wallets.held.has(id))
	s.wallets.empty.Store(true)

	// The password is changed while the questions are answered.
	s.wallets.asked = func() {
		s.wallets.asked = nil
		_, err := s.users(session.GetAccessToken()).ChangePassword(t.Context(), &userv1.ChangePasswordRequest{CurrentPassword: goodPassword, NewPassword: "another-good-one"})
		require.NoError(t, err)
	}
	requireFault(t, remove(), connect.CodePermissionDenied, "CREDENTIALS_INVALID")
	require.False(t, s.orders.held.has(id) || s.wallets.held.has(id))
	require.NoError(t, s.profile(session.GetAccessToken()))
}

func TestDeletionNeedsItsPeers(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, session := s.register("ann@example.com")
	s.Resolver.Register("payment", http.NotFoundHandler())

	_, err := s.users(session.GetAccessToken()).DeleteAccount(t.Context(), &userv1.DeleteAccountRequest{Password: goodPassword})
	requireFault(t, err, connect.CodeUnavailable, "DELETION_UNAVAILABLE")
	require.NoError(t, s.profile(session.GetAccessToken()))
}

func TestAddresses(t *testing.T) {
	s := sqliteShop(t, cheap())
	_, ann := s.register("ann@example.com")
	_, bob := s.register("bob@example.com")
	client, stranger := s.users(ann.GetAccessToken()), s.users(bob.GetAccessToken())

	first, err := client.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: bamberg})
	require.NoError(t, err)
	require.True(t, first.GetAddress().GetIsDefault())
	second, err := client.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: bamberg, IsDefault: true})
	require.NoError(t, err)

	list, err := client.ListAddresses(t.Context(), &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetAddresses(), 2)
	require.Equal(t, second.GetAddress().GetId(), list.GetAddresses()[0].GetId())
	require.True(t, list.GetAddresses()[0].GetIsDefault())
	require.False(t, list.GetAddresses()[1].GetIsDefault())
	require.Equal(t, bamberg.String(), list.GetAddresses()[0].GetAddress().String())

	id := first.GetAddress().GetId()
	_, err = stranger.UpdateAddress(t.Context(), &userv1.UpdateAddressRequest{Id: id, Address: bamberg})
	requireFault(t, err, connect.CodeNotFound, "ADDRESS_NOT_FOUND")
	_, err = stranger.DeleteAddress(t.Context(), &userv1.DeleteAddressRequest{Id: id})
	requireFault(t, err, connect.CodeNotFound, "ADDRESS_NOT_FOUND")
	empty, err := stranger.ListAddresses(t.Context(), &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.Empty(t, empty.GetAddresses())

	_, err = client.DeleteAddress(t.Context(), &userv1.DeleteAddressRequest{Id: second.GetAddress().GetId()})
	require.NoError(t, err)
	list, err = client.ListAddresses(t.Context(), &userv1.ListAddressesRequest{})
	require.NoError(t, err)
	require.True(t, list.GetAddresses()[0].GetIsDefault(), "another one took its place")
}

func TestFiftyAddressesAtOnce(t *testing.T) {
	databasetest.Each(t, user.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db, cheap())
		_, session := s.register("ann@example.com")
		client := s.users(session.GetAccessToken())
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				_, err := client.CreateAddress(t.Context(), &userv1.CreateAddressRequest{Address: bamberg, IsDefault: true})
				if err != nil && connect.CodeOf(err) != connect.CodeFailedPrecondition {
					t.Error(err)
				}
			})
		}
		group.Wait()
		list, err := client.ListAddresses(t.Context(), &userv1.ListAddressesRequest{})
		require.NoError(t, err)
		require.Len(t, list.GetAddresses(), 20)
		defaults := 0
		for _, a := range list.GetAddresses() {
			if a.GetIsDefault() {
				defaults++
			}
		}
		require.Equal(t, 1, defaults)
	})
}

func TestStaffManagesAccounts(t *testing.T) {
	s := sqliteShop(t, cheap())
	boss := s.staff("boss@example.com")
	admin := s.admin(boss.GetAccessToken())
	ann, session := s.register("ann@example.com")

	_, err := s.admin(session.GetAccessToken()).ListUsers(t.Context(), &userv1.ListUsersRequest{})
	requireFault(t, err, connect.CodePermissionDenied, "STAFF_REQUIRED")

	got, err := admin.GetUser(t.Context(), &userv1.GetUserRequest{Id: ann.GetId()})
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", got.GetUser().GetEmail())
	_, err = admin.GetUser(t.Context(), &userv1.GetUserRequest{Id: uuid.Must(uuid.NewV7()).String()})
	requireFault(t, err, connect.CodeNotFound, "USER_NOT_FOUND")

	_, err = admin.SetUserRole(t.Context(), &userv1.SetUserRoleRequest{UserId: boss.GetSubjectId(), Role: userv1.Role_ROLE_CUSTOMER})
	requireFault(t, err, connect.CodeFailedPrecondition, "LAST_STAFF")
	changed, err := admin.SetUserRole(t.Context(), &userv1.SetUserRoleRequest{UserId: ann.GetId(), Role: userv1.Role_ROLE_STAFF})
	require.NoError(t, err)
	require.Equal(t, userv1.Role_ROLE_STAFF, changed.GetUser().GetRole())
	s.hearRevocations()
	requireFault(t, s.profile(session.GetAccessToken()), connect.CodeUnauthenticated, "TOKEN_REVOKED")
	session, err = s.login("ann@example.com", goodPassword)
	require.NoError(t, err)
	require.Equal(t, userv1.Role_ROLE_STAFF, session.GetRole())
	_, err = s.admin(session.GetAccessToken()).SetUserRole(t.Context(), &userv1.SetUserRoleRequest{UserId: ann.GetId(), Role: userv1.Role_ROLE_CUSTOMER})
	require.NoError(t, err)

	var types []string
	token := ""
	for {
		page, err := admin.ListUserEvents(t.Context(), &userv1.ListUserEventsRequest{UserId: ann.GetId(), PageSize: 2, PageToken: token})
		require.NoError(t, err)
		for _, event := range page.GetEvents() {
			types = append(types, event.GetType())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
		_, err = admin.ListUserEvents(t.Context(), &userv1.ListUserEventsRequest{UserId: boss.GetSubjectId(), PageToken: token})
		requireFault(t, err, connect.CodeInvalidArgument, "PAGE_TOKEN_INVALID")
	}
	require.Equal(t, []string{"registered", "role_changed", "role_changed"}, types)
	_, err = admin.ListUserEvents(t.Context(), &userv1.ListUserEventsRequest{UserId: uuid.Must(uuid.NewV7()).String()})
	requireFault(t, err, connect.CodeNotFound, "USER_NOT_FOUND")
}

func TestAccountsAreListedNewestFirst(t *testing.T) {
	s := sqliteShop(t, cheap())
	admin := s.admin(s.staff("boss@example.com").GetAccessToken())
	for n := range 4 {
		s.register(fmt.Sprintf("u%d@example.com", n))
	}
	var emails []string
	token := ""
	for {
		page, err := admin.ListUsers(t.Context(), &userv1.ListUsersRequest{PageSize: 2, PageToken: token})
		require.NoError(t, err)
		for _, u := range page.GetUsers() {
			emails = append(emails, u.GetEmail())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Equal(t, []string{"u3@example.com", "u2@example.com", "u1@example.com", "u0@example.com", "boss@example.com"}, emails)

	found, err := admin.ListUsers(t.Context(), &userv1.ListUsersRequest{Email: "U1@Example.com"})
	require.NoError(t, err)
	require.Len(t, found.GetUsers(), 1)
}
