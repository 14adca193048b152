package cart_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

func TestMergeNeedsBothTokens(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	ann, guest := r.customer(), r.guest()
	guest.add(t, newID(), 1)
	issue := func(keys *rpctest.Shop, role identity.Role, at time.Time) string {
		token, err := identity.NewSigner(keys.Keys.People, identity.PeopleIssuer, func() time.Time { return at }).
			Issue(identity.Principal{ID: guest.id, Role: role, SessionID: "s"}, time.Minute)
		require.NoError(t, err)
		return token
	}
	service, err := identity.NewServiceIdentity("order", s.Keys.Services["order"], s.Clock).Token()
	require.NoError(t, err)
	revoked := r.guest()
	s.Revocations.Revoke(revoked.id, "", time.Now().Add(time.Second))
	for name, token := range map[string]string{
		"no token at all":  "?!",
		"forged":           issue(rpctest.New(t), identity.RoleGuest, time.Now()),
		"expired":          issue(s.Shop, identity.RoleGuest, time.Now().Add(-time.Hour)),
		"of a customer":    s.Token(identity.RoleCustomer, guest.id),
		"of staff":         s.Token(identity.RoleStaff, guest.id),
		"of a service":     service,
		"revoked":          revoked.token,
		"cut off":          guest.token[:len(guest.token)-2],
		"the caller's own": ann.token,
	} {
		_, err := ann.merge(t, token)
		requireFault(t, err, connect.CodeInvalidArgument, "GUEST_TOKEN_INVALID")
		require.NotContains(t, err.Error(), token, name)
	}
	_, err = guest.merge(t, guest.token)
	requireFault(t, err, connect.CodePermissionDenied, "CUSTOMER_REQUIRED")
	client, url := s.Client("cart")
	_, err = (person{commands: newCommands(client, url)}).merge(t, guest.token)
	requireFault(t, err, connect.CodeUnauthenticated, "TOKEN_MISSING")
	require.Len(t, guest.add(t, newID(), 1).GetItems(), 2, "nothing was taken")
}

func TestMergeTakesAGuestsCartInOnce(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	ann, guest := r.customer(), r.guest()
	pale, stout := newID(), newID()
	ann.add(t, pale, 1)
	merged, err := ann.merge(t, guest.token)
	require.NoError(t, err, "an empty one")
	require.EqualValues(t, 1, merged.GetVersion())

	guest.add(t, pale, 2)
	guest.add(t, stout, 3)
	for range 3 {
		merged, err = ann.merge(t, guest.token)
		require.NoError(t, err)
		requireItems(t, merged, pale, 3, stout, 3)
	}
	// However much is clicked in between.
	for range 300 {
		ann.add(t, pale, 1)
	}
	merged, err = ann.merge(t, guest.token)
	require.NoError(t, err)
	requireItems(t, merged, pale, 303, stout, 3)

	requireItems(t, guest.add(t, pale, 5), pale, 5)
	merged, err = ann.merge(t, guest.token)
	require.NoError(t, err)
	requireItems(t, merged, pale, 308, stout, 3)
}

func TestMergesAtOnce(t *testing.T) {
	s := sqliteShop(t)
	replicas := []*replica{s.start("cart"), s.start("cart-2")}
	ann := newID()
	guest := replicas[0].guest()
	beer := newID()
	guest.add(t, beer, 1)
	var all errgroup.Group
	for i := range 16 {
		all.Go(func() error {
			_, err := replicas[i%2].as(identity.RoleCustomer, ann).merge(t, guest.token)
			return err
		})
		all.Go(func() error {
			_, err := guest.commands.AddItem(t.Context(), &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer, Quantity: 1})
			return err
		})
	}
	require.NoError(t, all.Wait())
	merged, err := replicas[1].as(identity.RoleCustomer, ann).merge(t, guest.token)
	require.NoError(t, err)
	requireItems(t, merged, beer, 17)
}

// handOver does the first step of a merge and not the second, as a process that dies in between.
func (s *shop) handOver(guestID, toID, id string) {
	s.t.Helper()
	conn, err := nats.Connect("", nats.InProcessServer(s.broker))
	require.NoError(s.t, err)
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(s.t, err)
	_, err = eventstore.New(js, conn, s.clock).Do(s.t.Context(), guestID, true, domain.Command{ID: "handover:" + id}, domain.HandOver(toID, "merge:"+id))
	require.NoError(s.t, err)
}

func TestAMergeThatStoppedHalfWayIsCompletedByARepeat(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("cart")
	ann, guest := r.customer(), r.guest()
	pale, stout := newID(), newID()
	guest.add(t, pale, 2)
	s.handOver(guest.id, ann.id, newID())
	requireItems(t, guest.add(t, stout, 1), stout, 1)
	for range 2 {
		merged, err := ann.merge(t, guest.token)
		require.NoError(t, err)
		requireItems(t, merged, pale, 2, stout, 1)
	}
}

func TestAMergeIntoAnotherAccountLosesNothing(t *testing.T) {
	s := sqliteShop(t)
	r := s.run("cart")
	ann, ben, guest := r.customer(), r.customer(), r.guest()
	pale, stout := newID(), newID()
	guest.add(t, pale, 2)
	s.handOver(guest.id, ann.id, newID())
	guest.add(t, stout, 1)
	merged, err := ben.merge(t, guest.token)
	require.NoError(t, err)
	requireItems(t, merged, stout, 1)
	requireItems(t, ann.get(t, 1), pale, 2)
}
