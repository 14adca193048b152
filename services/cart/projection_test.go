package cart_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/services/cart"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/database/databasetest"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

func newCommands(client connect.HTTPClient, url string) cartv1connect.CartCommandServiceClient {
	return cartv1connect.NewCartCommandServiceClient(client, url)
}

// events are all messages of the stream of carts.
func (s *shop) events() []messaging.Message {
	s.t.Helper()
	stream, err := s.js.Stream(s.t.Context(), messaging.StreamCarts)
	require.NoError(s.t, err)
	var out []messaging.Message
	for seq := max(stream.CachedInfo().State.FirstSeq, 1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		msg, err := stream.GetMsg(s.t.Context(), seq)
		if err != nil {
			require.ErrorIs(s.t, err, jetstream.ErrMsgNotFound)
			continue
		}
		out = append(out, messaging.Message{
			Subject: msg.Subject, Header: msg.Header, Data: msg.Data, Stream: messaging.StreamCarts, Sequence: msg.Sequence, Time: msg.Time, Deliveries: 1,
		})
	}
	return out
}

// take puts messages through the replica's projector, and requires that they are acknowledged.
func (r *replica) take(messages ...messaging.Message) {
	r.t.Helper()
	p, err := messaging.NewProcessor(r.module.Consumers[0], r.db)
	require.NoError(r.t, err)
	for _, outcome := range p.Process(r.t.Context(), messages) {
		require.Equal(r.t, messaging.Ack, outcome.Action, "%v", outcome.Err)
	}
}

// projectAll brings the projection up to date.
func (r *replica) projectAll() {
	r.t.Helper()
	r.take(r.events()...)
}

func TestTheProjectionBearsAnyOrderAndRepetition(t *testing.T) {
	databasetest.Each(t, cart.Migrations(), func(t *testing.T, db *database.DB) {
		s := newShop(t, db)
		a, b := s.start("cart"), s.start("cart-2")
		people := make([]person, 5)
		last := make([]*cartv1.Cart, len(people))
		for i := range people {
			people[i] = a.guest()
		}
		shuffle := func(messages []messaging.Message) []messaging.Message {
			messages = append(messages, messages[:len(messages)/2]...)
			rand.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
			return messages
		}
		for range 4 {
			early := s.events()
			for i, p := range people {
				for range 4 {
					last[i] = p.add(t, newID(), int32(i+1))
				}
			}
			if len(early) > 0 {
				b.take(shuffle(early)...)
			}
		}
		a.take(shuffle(s.events())...)
		b.take(shuffle(s.events())...)
		forget(t, db, "inbox")
		b.take(shuffle(s.events())...)
		check := func() {
			for i, p := range people {
				got := p.get(t, 0)
				require.Equal(t, last[i].GetVersion(), got.GetVersion())
				require.Equal(t, last[i].GetItems()[15].GetBeerId(), got.GetItems()[15].GetBeerId())
				require.Len(t, got.GetItems(), 16)
			}
		}
		check()
		forget(t, db, "inbox")
		forget(t, db, "carts")
		a.projectAll()
		check()
	})
}

// forget empties a table.
func forget(t *testing.T, db *database.DB, table string) {
	t.Helper()
	require.NoError(t, db.Tx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM "+table)
		return err
	}))
}

func TestGetCartWaitsForAVersion(t *testing.T) {
	s := sqliteShop(t)
	a, b := s.start("cart"), s.start("cart-2")
	a.listen()
	ann := a.customer()
	version := ann.add(t, newID(), 1).GetVersion()
	require.Zero(t, ann.get(t, 0).GetVersion(), "nobody has made the projection")
	answer := make(chan *cartv1.Cart, 1)
	go func() {
		res, err := ann.queries.GetCart(t.Context(), &cartv1.GetCartRequest{MinVersion: version})
		if err != nil {
			t.Error(err)
		}
		answer <- res.GetCart()
	}()
	b.projectAll()
	select {
	case got := <-answer:
		require.Equal(t, version, got.GetVersion())
	case <-time.After(patience):
		t.Fatal("no answer")
	}
	// When the projection does not come, the events tell.
	version = ann.add(t, newID(), 1).GetVersion()
	res, err := ann.queries.GetCart(t.Context(), &cartv1.GetCartRequest{MinVersion: version})
	require.NoError(t, err)
	require.Len(t, res.GetCart().GetItems(), 2)
	begun := time.Now()
	_, err = ann.queries.GetCart(t.Context(), &cartv1.GetCartRequest{MinVersion: version + 1})
	requireFault(t, err, connect.CodeUnavailable, "CART_VERSION_NOT_REACHED")
	require.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
}

// The replica that has the stream open is not the one that makes the projection, nor the one that takes the commands.
func TestWatchersHearOfWhatOtherReplicasDo(t *testing.T) {
	s := sqliteShop(t)
	watching, working := s.start("cart"), s.start("cart-2")
	watching.listen()
	id := newID()
	stream, err := watching.as(identity.RoleCustomer, id).queries.WatchCart(t.Context(), &cartv1.WatchCartRequest{})
	require.NoError(t, err)
	defer stream.Close()
	next := func() *cartv1.Cart {
		require.True(t, stream.Receive(), "%v", stream.Err())
		return stream.Msg().GetCart()
	}
	first := next()
	require.NotNil(t, first, "the cart comes first, empty as it is")
	require.Zero(t, first.GetVersion())
	require.Equal(t, id, first.GetId())

	working.project()
	ann := working.as(identity.RoleCustomer, id)
	begun := time.Now()
	for version := int64(1); version <= 5; version++ {
		ann.add(t, newID(), 1)
		got := next()
		require.Equal(t, version, got.GetVersion())
		require.Len(t, got.GetItems(), int(version))
	}
	require.Less(t, time.Since(begun), 10*time.Second, "word came by itself, not with a heartbeat")
	working.customer().add(t, newID(), 1)
	ann.add(t, newID(), 1)
	require.EqualValues(t, 6, next().GetVersion(), "of this cart alone")
}
