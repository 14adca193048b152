package notification_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

const (
	orderTopic  = notificationv1.Topic_TOPIC_ORDER
	cartTopic   = notificationv1.Topic_TOPIC_CART
	walletTopic = notificationv1.Topic_TOPIC_WALLET
)

// A browser reads a few notifications, loses its connection and comes back to another replica, over and over, while
// others are being kept: it sees each number once, in order.
func TestAStreamIsResumedWhereItWasCut(t *testing.T) {
	each(t, func(t *testing.T, s *shop) {
		replicas := []*replica{s.start("a"), s.start("b")}
		user := newID()
		const events = 150
		kept := make(chan error, 1)
		go func() {
			for i := 0; i < events; {
				n := min(1+rand.N(5), events-i)
				for range n {
					if err := replicas[i%2].take(messageOf(t, placed(user))); err != nil {
						kept <- err
						return
					}
				}
				i += n
			}
			kept <- nil
		}()
		var seen int64
		cuts := 0
		for ; seen < events; cuts++ {
			ctx, cut := context.WithCancel(t.Context())
			stream, err := replicas[cuts%2].as(identity.RoleCustomer, user).Subscribe(ctx, &notificationv1.SubscribeRequest{AfterNumber: &seen})
			require.NoError(t, err)
			for left := 1 + rand.N(12); left > 0 && seen < events && stream.Receive(); {
				if n := stream.Msg().GetNotification(); n != nil {
					require.Equal(t, seen+1, n.GetNumber())
					seen, left = n.GetNumber(), left-1
				}
			}
			cut()
			if err := stream.Err(); err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
			if err := stream.Close(); err != nil {
				require.True(t, errors.Is(err, context.Canceled), "%v", err)
			}
		}
		require.NoError(t, <-kept)
		require.Greater(t, cuts, 5)
	})
}

func TestABrowserHearsOfWhatAnotherReplicaKept(t *testing.T) {
	s := sqliteShop(t)
	a, b := s.start("a"), s.start("b")
	a.run()
	ann := newID()
	stream, last := subscribe(t, b.as(identity.RoleCustomer, ann), nil)
	require.Zero(t, last)
	for number := int64(1); number <= 3; number++ {
		order := placed(ann)
		s.publish(order)
		n := stream.next()
		require.Equal(t, number, n.GetNumber())
		require.Equal(t, order.GetOrderId(), n.GetSubjectId())
		require.Equal(t, "order.placed", n.GetType())
		require.False(t, n.GetRead())
	}
	_, last = subscribe(t, b.as(identity.RoleCustomer, ann), nil)
	require.EqualValues(t, 3, last, "who comes without a number begins now")
	after := int64(1)
	resumed, _ := subscribe(t, a.as(identity.RoleCustomer, ann), &after)
	require.EqualValues(t, 2, resumed.next().GetNumber())
	require.EqualValues(t, 3, resumed.next().GetNumber())
}

func TestTopicsAreFilteredAndNewsAreForTheirUserAlone(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("a")
	annID, benID := newID(), newID()
	everything, _ := subscribe(t, r.as(identity.RoleCustomer, annID), nil)
	orders, _ := subscribe(t, r.as(identity.RoleCustomer, annID), nil, orderTopic)
	cart, _ := subscribe(t, r.as(identity.RoleGuest, annID), nil, cartTopic)
	wallet, _ := subscribe(t, r.as(identity.RoleStaff, annID), nil, walletTopic)
	ben, _ := subscribe(t, r.as(identity.RoleCustomer, benID), nil)

	require.NoError(t, r.take(messageOf(t, placed(annID))))
	require.Equal(t, orderTopic, everything.next().GetTopic())
	s.cartChanged(annID)
	n := everything.next()
	require.Equal(t, cartTopic, n.GetTopic())
	require.Equal(t, "cart.changed", n.GetType())
	require.Equal(t, annID, n.GetSubjectId())
	require.Zero(t, n.GetNumber(), "it is not kept")
	s.publish(&eventv1.WalletChanged{UserId: annID, Version: 7})
	n = everything.next()
	require.Equal(t, walletTopic, n.GetTopic())
	require.EqualValues(t, 7, n.GetVersion())

	require.Equal(t, orderTopic, orders.next().GetTopic())
	require.Equal(t, cartTopic, cart.next().GetTopic())
	require.Equal(t, walletTopic, wallet.next().GetTopic())
	// The next that each hears is the next of its own.
	require.NoError(t, r.take(messageOf(t, placed(annID))))
	require.EqualValues(t, 2, orders.next().GetNumber())
	s.cartChanged(benID)
	require.Equal(t, benID, ben.next().GetSubjectId())
}

// Nobody reads while a thousand changes of the cart are told: the one order among them is told all the same, and the wallet
// as it was in the end.
func TestAFloodOfOneTopicDrownsNoOther(t *testing.T) {
	s := sqliteShop(t)
	r := s.start("a")
	id := newID()
	stream, _ := subscribe(t, r.as(identity.RoleCustomer, id), nil)
	flood := func() {
		for range 1000 {
			s.cartChanged(id)
		}
		require.NoError(t, s.nats.Flush())
	}
	flood()
	require.NoError(t, r.take(messageOf(t, placed(id))))
	for version := range int64(20) {
		s.publish(&eventv1.WalletChanged{UserId: id, Version: version + 1})
	}
	flood()
	var told, wallet bool
	for !told || !wallet {
		n := stream.next()
		told = told || n.GetTopic() == orderTopic && n.GetNumber() == 1
		wallet = wallet || n.GetTopic() == walletTopic && n.GetVersion() == 20
	}
}
