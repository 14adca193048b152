package service

import (
	"context"
	"slices"
	"strings"
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
	sendAtOnce     = 100
	waitingAtMost  = 64

	cartSubject   = "taproom.wake.cart."
	walletSubject = "taproom.payment.wallet_changed."
)

// Subscribe tells the caller everything as it happens. The stream hears of news by itself, whichever replica it is on and
// whichever replica kept them; kept ones are read from the database, so that none is missed or doubled.
func (n *Notifications) Subscribe(ctx context.Context, req *notificationv1.SubscribeRequest, stream *connect.ServerStream[notificationv1.SubscribeResponse]) error {
	sub := &subscription{notifications: n, userID: identity.Must(ctx).ID, topics: req.GetTopics(), stream: stream}
	// Listening begins before looking: what happens in between is seen by one of them.
	news, stop, err := sub.listen()
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
		case msg := <-news:
			err = sub.hear(ctx, msg)
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
}

func (s *subscription) wants(topic notificationv1.Topic) bool {
	return len(s.topics) == 0 || slices.Contains(s.topics, topic)
}

// listen hears of news. When they come faster than they are sent, some wake-ups get lost, but never the ones behind which
// something unsent remains: what waits in the channel leads to another look at the database.
func (s *subscription) listen() (news <-chan *nats.Msg, stop func(), err error) {
	ch := make(chan *nats.Msg, waitingAtMost)
	var subs []*nats.Subscription
	stop = func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe()
		}
	}
	for topic, subject := range map[notificationv1.Topic]string{
		notificationv1.Topic_TOPIC_ORDER:  consumer.WakeSubject(s.userID),
		notificationv1.Topic_TOPIC_CART:   cartSubject + s.userID,
		notificationv1.Topic_TOPIC_WALLET: walletSubject + s.userID,
	} {
		if !s.wants(topic) {
			continue
		}
		sub, err := s.notifications.nats.ChanSubscribe(subject, ch)
		if err != nil {
			stop()
			return nil, nil, err
		}
		subs = append(subs, sub)
	}
	return ch, stop, nil
}

// begin tells the client that it is connected and sends what it missed.
func (s *subscription) begin(ctx context.Context, after *int64) error {
	box, err := s.notifications.store.Mailbox(ctx, s.userID)
	if err != nil {
		return err
	}
	s.sent = box.LastNumber
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
			if err := s.send(toProto(k, 0)); err != nil {
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

// hear sends what a wake-up or an event is about.
func (s *subscription) hear(ctx context.Context, msg *nats.Msg) error {
	switch {
	case strings.HasPrefix(msg.Subject, cartSubject):
		return s.send(&notificationv1.Notification{
			Topic: notificationv1.Topic_TOPIC_CART, Type: "cart.changed", SubjectId: s.userID, CreatedAt: timestamppb.Now(),
		})
	case strings.HasPrefix(msg.Subject, walletSubject):
		var changed eventv1.WalletChanged
		if err := proto.Unmarshal(msg.Data, &changed); err != nil {
			return nil //nolint:nilerr // not kept, and the wallet itself is the truth
		}
		return s.send(&notificationv1.Notification{
			Topic: notificationv1.Topic_TOPIC_WALLET, Type: "wallet.changed", SubjectId: s.userID, CreatedAt: timestamppb.Now(), Version: changed.GetVersion(),
		})
	}
	return s.sendKept(ctx)
}
