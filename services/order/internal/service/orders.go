// Package service answers the order service's remote calls.
package service

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/order/internal/announce"
	"github.com/taproom-shop/taproom/services/order/internal/domain"
	"github.com/taproom-shop/taproom/services/order/internal/store"
)

// Orders answers OrderService: what customers do with their own orders.
type Orders struct {
	db             *database.DB
	store          *store.Store
	peers          peers
	clock          func() time.Time
	pendingTimeout time.Duration
}

// NewOrders returns the handler. pendingTimeout is how long an order may stay pending.
func NewOrders(db *database.DB, store *store.Store, p *rpc.Peers, clock func() time.Time, pendingTimeout time.Duration) *Orders {
	return &Orders{db: db, store: store, peers: newPeers(p), clock: clock, pendingTimeout: pendingTimeout}
}

// QuoteOrder says what the caller's cart costs this moment.
func (o *Orders) QuoteOrder(ctx context.Context, req *orderv1.QuoteOrderRequest) (*orderv1.QuoteOrderResponse, error) {
	in, err := o.peers.gather(ctx, req.GetMinCartVersion(), "", "")
	if err != nil {
		return nil, err
	}
	quote, err := in.quote(req.GetShippingMethodId(), req.GetCountry())
	if err != nil {
		return nil, err
	}
	return &orderv1.QuoteOrderResponse{Quote: quoteToProto(quote)}, nil
}

// PlaceOrder keeps the order and leaves the rest to the saga.
func (o *Orders) PlaceOrder(ctx context.Context, req *orderv1.PlaceOrderRequest) (*orderv1.PlaceOrderResponse, error) {
	userID := identity.Must(ctx).ID
	request, err := requestOf(req)
	if err != nil {
		return nil, err
	}
	// Before the cart is looked at (see Place), and before repetitions are looked for: an order in progress may be this very one.
	number, busy := o.store.Next(ctx, userID)
	// A repetition is answered before the quote, which the emptied cart would fail.
	if placed, err := o.store.Placed(ctx, userID, request); err != nil || placed != nil {
		if err != nil {
			return nil, err
		}
		return &orderv1.PlaceOrderResponse{Order: orderToProto(*placed)}, nil
	}
	if busy != nil {
		return nil, busy
	}
	order, err := o.draft(ctx, userID, req)
	if err != nil {
		// The same request, sent at the same time, may have been placed since, and have emptied the cart.
		if placed, _ := o.store.Placed(ctx, userID, request); placed != nil {
			return &orderv1.PlaceOrderResponse{Order: orderToProto(*placed)}, nil
		}
		return nil, err
	}
	order.Number = number
	order, err = o.store.Place(ctx, order, request, announce.Placed(order))
	if err != nil {
		return nil, err
	}
	return &orderv1.PlaceOrderResponse{Order: orderToProto(order)}, nil
}

// requestOf makes the request's fingerprint: protobuf's deterministic bytes, hashed.
func requestOf(req *orderv1.PlaceOrderRequest) (store.Request, error) {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return store.Request{}, err
	}
	digest := sha256.Sum256(bytes)
	return store.Request{ID: strings.ToLower(req.GetRequestId()), Digest: digest[:]}, nil
}

// draft quotes again and puts the order together, if it still is what the customer agreed to.
func (o *Orders) draft(ctx context.Context, userID string, req *orderv1.PlaceOrderRequest) (domain.Order, error) {
	in, err := o.peers.gather(ctx, 0, req.GetAddressId(), req.GetPayment().GetCardId())
	if err != nil {
		return domain.Order{}, err
	}
	quote, err := in.quote(req.GetShippingMethodId(), in.address.Country)
	if err != nil {
		return domain.Order{}, err
	}
	if quote.Digest() != req.GetQuoteDigest() {
		return domain.Order{}, fault.FailedPrecondition("QUOTE_CHANGED", "Prices, shipping or the cart changed since the quote; ask for a new quote.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return domain.Order{}, err
	}
	now := o.clock().Truncate(time.Microsecond)
	return domain.Order{
		ID: id.String(), UserID: userID, Status: domain.Status{State: domain.Pending}, Quote: quote, Address: in.address,
		CardID: req.GetPayment().GetCardId(), PlacedAt: now, UpdatedAt: now, ExpiresAt: now.Add(o.pendingTimeout), Version: 1, TimelineLen: 1,
	}, nil
}

// GetOrder answers one of the caller's orders.
func (o *Orders) GetOrder(ctx context.Context, req *orderv1.GetOrderRequest) (*orderv1.GetOrderResponse, error) {
	order, err := o.store.Get(ctx, identity.Must(ctx).ID, req.GetId())
	if err != nil {
		return nil, err
	}
	return &orderv1.GetOrderResponse{Order: orderToProto(order)}, nil
}

// ListOrders answers the caller's orders, newest first.
func (o *Orders) ListOrders(ctx context.Context, req *orderv1.ListOrdersRequest) (*orderv1.ListOrdersResponse, error) {
	filter := store.Filter{UserID: identity.Must(ctx).ID}
	orders, next, err := listPage(ctx, o.store, filter, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &orderv1.ListOrdersResponse{Orders: ordersToProto(orders), NextPageToken: next}, nil
}

// listPage reads one page and the token of the next; one more row than asked for tells whether there is one.
func listPage(ctx context.Context, s *store.Store, filter store.Filter, pageSize int32, token string) ([]domain.Order, string, error) {
	if err := paging.Decode(token, &filter.Before); err != nil {
		return nil, "", err
	}
	size := paging.Size(pageSize)
	orders, err := s.List(ctx, filter, size+1)
	if err != nil || len(orders) <= size {
		return orders, "", err
	}
	orders = orders[:size]
	return orders, paging.Encode(orders[size-1].ID), nil
}

// CancelOrder cancels one of the caller's orders, or asks shipping to stop it.
func (o *Orders) CancelOrder(ctx context.Context, req *orderv1.CancelOrderRequest) (*orderv1.CancelOrderResponse, error) {
	userID := identity.Must(ctx).ID
	res := &orderv1.CancelOrderResponse{}
	err := o.db.GroupTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return journal.Once(ctx, tx, userID, "CancelOrder", req.GetRequestId(), req, res, func(ctx context.Context) error {
			if owned, err := store.GetIn(ctx, tx, req.GetId()); err != nil {
				return err
			} else if owned.UserID != userID {
				return store.ErrNotFound(req.GetId())
			}
			order, err := cancel(ctx, tx, o.store, req.GetId(), domain.Input{Kind: domain.CancelByCustomer}, o.clock())
			res.Order = orderToProto(order)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// cancel carries the command out and reads what became of the order.
func cancel(ctx context.Context, tx *database.Tx, s *store.Store, id string, in domain.Input, now time.Time) (domain.Order, error) {
	if err := s.Advance(ctx, tx, announce.Event, store.Step{OrderID: id, Input: in, At: now}); err != nil {
		return domain.Order{}, err
	}
	return store.GetIn(ctx, tx, id)
}

// GetOrderTimeline answers what happened to one of the caller's orders.
func (o *Orders) GetOrderTimeline(ctx context.Context, req *orderv1.GetOrderTimelineRequest) (*orderv1.GetOrderTimelineResponse, error) {
	if _, err := o.store.Get(ctx, identity.Must(ctx).ID, req.GetId()); err != nil {
		return nil, err
	}
	entries, err := o.store.Timeline(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &orderv1.GetOrderTimelineResponse{Entries: timelineToProto(entries)}, nil
}
