package service

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/notification/internal/consumer"
)

const (
	heartbeatEvery = 15 * time.Second
	listenWait     = time.Second
	sendAtOnce     = 100

	cartSubject   = "taproom.wake.cart."
	walletSubject = "taproom.payment.wallet_changed."
)

// Subscribe tells the caller everything as it happens. The stream hears of news by itself, whichever replica it is on and
// whichever replica kept them; kept ones are read from the database, so that none is missed or doubled.
func (n *Notifications) Subscribe(ctx context.Context, req *notificationv1.SubscribeRequest, stream *connect.ServerStream[notificationv1.SubscribeResponse]) error {
	sub := &subscription{notifications: n, userID: identity.Must(ctx).ID, topics: req.GetTopics(), stream: stream}
	// Listening begins before looking: what happens in between is seen by one of them.
	news, stop, err := sub.listen(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := sub.begin(ctx, req.AfterNumber); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for {
		select {
		case <-news.orders:
			err = sub.sendKept(ctx)
		case <-news.cart:
			err = sub.sendCart()
		case msg := <-news.wallet:
			err = sub.sendWallet(msg)
		case <-beat.C:
			err = sub.beat(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// subscription is one open stream.
type subscription struct {
	notifications *Notifications
	userID        string
	topics        []notificationv1.Topic
	stream        *connect.ServerStream[notificationv1.SubscribeResponse]
	sent          int64 // number of the last kept notification sent
	readUpTo      int64 // when the stream began
}

func (s *subscription) wants(topic notificationv1.Topic) bool {
	return len(s.topics) == 0 || slices.Contains(s.topics, topic)
}

// news is what a stream hears of each topic that it wants: the newest message that it has not looked at. Older ones give
// way to it, since each says that something changed and not what. So a flood of one topic costs the others nothing.
type news struct {
	orders, cart, wallet <-chan *nats.Msg
}

// listen hears of news from now on.
func (s *subscription) listen(ctx context.Context) (heard news, stop func(), err error) {
	var subs []*nats.Subscription
	stop = func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe()
		}
	}
	for _, topic := range []struct {
		topic   notificationv1.Topic
		subject string
		heard   *<-chan *nats.Msg
	}{
		{notificationv1.Topic_TOPIC_ORDER, consumer.WakeSubject(s.userID), &heard.orders},
		{notificationv1.Topic_TOPIC_CART, cartSubject + s.userID, &heard.cart},
		{notificationv1.Topic_TOPIC_WALLET, walletSubject + s.userID, &heard.wallet},
	} {
		if !s.wants(topic.topic) {
			continue
		}
		newest := make(chan *nats.Msg, 1)
		sub, err := s.notifications.nats.Subscribe(topic.subject, func(msg *nats.Msg) { replace(newest, msg) })
		if err != nil {
			stop()
			return news{}, nil, err
		}
		subs = append(subs, sub)
		*topic.heard = newest
	}
	// Wait until the server knows. While NATS is away the stream still looks with each heartbeat.
	ctx, cancel := context.WithTimeout(ctx, listenWait)
	defer cancel()
	_ = s.notifications.nats.FlushWithContext(ctx)
	return heard, stop, nil
}

// replace puts a message into a channel that holds one. It has no other sender.
func replace(newest chan *nats.Msg, msg *nats.Msg) {
	for {
		select {
		case newest <- msg:
			return
		default:
		}
		select {
		case <-newest:
		default:
		}
	}
}

// begin tells the client that it is connected and sends what it missed.
func (s *subscription) begin(ctx context.Context, after *int64) error {
	box, err := s.notifications.store.Mailbox(ctx, s.userID)
	if err != nil {
		return err
	}
	s.sent, s.readUpTo = box.LastNumber, box.ReadUpTo
	if after != nil {
		s.sent = min(*after, box.LastNumber)
	}
	if err := s.sendHeartbeat(box.LastNumber); err != nil {
		return err
	}
	return s.sendKept(ctx)
}

// beat is a sign of life, and a look for news whose wake-up got lost.
func (s *subscription) beat(ctx context.Context) error {
	if err := s.sendKept(ctx); err != nil {
		return err
	}
	return s.sendHeartbeat(s.sent)
}

func (s *subscription) sendHeartbeat(lastNumber int64) error {
	return s.stream.Send(&notificationv1.SubscribeResponse{Message: &notificationv1.SubscribeResponse_Heartbeat{
		Heartbeat: &notificationv1.Heartbeat{LastNumber: lastNumber},
	}})
}

// sendKept sends kept notifications that were not sent yet.
func (s *subscription) sendKept(ctx context.Context) error {
	if !s.wants(notificationv1.Topic_TOPIC_ORDER) {
		return nil
	}
	for {
		kept, err := s.notifications.store.After(ctx, s.userID, s.sent, sendAtOnce)
		if err != nil {
			return err
		}
		for _, k := range kept {
			if err := s.send(toProto(k, s.readUpTo)); err != nil {
				return err
			}
			s.sent = k.Number
		}
		if len(kept) < sendAtOnce {
			return nil
		}
	}
}

func (s *subscription) send(n *notificationv1.Notification) error {
	return s.stream.Send(&notificationv1.SubscribeResponse{Message: &notificationv1.SubscribeResponse_Notification{Notification: n}})
}

// sendCart tells that the cart changed.
func (s *subscription) sendCart() error {
	return s.send(&notificationv1.Notification{
		Topic: notificationv1.Topic_TOPIC_CART, Type: "cart.changed", SubjectId: s.userID, CreatedAt: timestamppb.New(s.notifications.clock()),
	})
}

// sendWallet tells that the wallet changed.
func (s *subscription) sendWallet(msg *nats.Msg) error {
	var changed eventv1.WalletChanged
	if err := proto.Unmarshal(msg.Data, &changed); err != nil {
		return nil //nolint:nilerr // not kept, and the wallet itself is the truth
	}
	return s.send(&notificationv1.Notification{
		Topic: notificationv1.Topic_TOPIC_WALLET, Type: "wallet.changed", SubjectId: s.userID,
		CreatedAt: timestamppb.New(s.notifications.clock()), Version: changed.GetVersion(),
	})
}
