package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
)

// client is the part of the shop's API that this program uses, as somebody.
type client struct {
	session       *session
	users         userv1connect.UserServiceClient
	catalog       catalogv1connect.CatalogServiceClient
	cart          cartv1connect.CartCommandServiceClient
	orders        orderv1connect.OrderServiceClient
	payments      paymentv1connect.PaymentServiceClient
	notifications notificationv1connect.NotificationServiceClient
}

// dial calls nobody yet. The same clients speak gRPC with connect.WithGRPC().
func dial(url string) *client {
	h := &http.Client{} // without a time-out, which would cut streams; calls end with their contexts
	s := &session{users: userv1connect.NewUserServiceClient(h, url)}
	as := connect.WithInterceptors(s)
	return &client{
		session:       s,
		users:         userv1connect.NewUserServiceClient(h, url, as),
		catalog:       catalogv1connect.NewCatalogServiceClient(h, url, as),
		cart:          cartv1connect.NewCartCommandServiceClient(h, url, as),
		orders:        orderv1connect.NewOrderServiceClient(h, url, as),
		payments:      paymentv1connect.NewPaymentServiceClient(h, url, as),
		notifications: notificationv1connect.NewNotificationServiceClient(h, url, as),
	}
}

// session puts the access token on every call and renews it before it ends.
type session struct {
	users userv1connect.UserServiceClient // without this interceptor

	mu      sync.Mutex
	current *userv1.Session
}

func (s *session) keep(current *userv1.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = current
}

// authorize renews under the lock: a refresh token works once, and using it twice ends the session.
func (s *session) authorize(ctx context.Context, header http.Header) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return nil
	}
	if time.Until(s.current.GetExpiresAt().AsTime()) < 30*time.Second {
		res, err := s.users.RefreshSession(ctx, &userv1.RefreshSessionRequest{RefreshToken: s.current.GetRefreshToken()})
		if err != nil {
			return err
		}
		s.current = res.GetSession()
	}
	header.Set("Authorization", "Bearer "+s.current.GetAccessToken())
	return nil
}

func (s *session) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := s.authorize(ctx, req.Header()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (s *session) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		if err := s.authorize(ctx, conn.RequestHeader()); err != nil {
			return failedStream{conn, err}
		}
		return conn
	}
}

func (s *session) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// failedStream is a stream whose session could not be renewed.
type failedStream struct {
	connect.StreamingClientConn
	err error
}

func (f failedStream) Send(any) error { return f.err }

// infoOf finds the machine-readable half of an error: every error of the shop has one.
func infoOf(err error) *errdetails.ErrorInfo {
	var failed *connect.Error
	if errors.As(err, &failed) {
		for _, detail := range failed.Details() {
			if value, err := detail.Value(); err == nil {
				if info, ok := value.(*errdetails.ErrorInfo); ok {
					return info
				}
			}
		}
	}
	return nil
}

// reasonOf is what a program decides by: texts are for people and may change, reasons stay.
func reasonOf(err error) string { return infoOf(err).GetReason() }

// explain says what the person at the keyboard can do about an error.
func explain(err error) string {
	text := err.Error()
	switch reasonOf(err) {
	case "CREDENTIALS_INVALID":
		return text + "; set TAPROOM_EMAIL and TAPROOM_PASSWORD, or neither for a new account"
	case "ORDER_IN_PROGRESS":
		return text + "; wait for order " + infoOf(err).GetMetadata()["order_id"]
	case "CARD_DECLINED", "WALLET_LIMIT":
		return text + "; nothing was charged"
	case "":
		if connect.CodeOf(err) == connect.CodeUnavailable {
			return text + "; is the shop running, and -url its address?"
		}
	}
	return text
}
