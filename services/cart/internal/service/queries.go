package service

import (
	"context"
	"time"

	"connectrpc.com/connect"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/cart/internal/store"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/paging"
)

const (
	versionWait = 2 * time.Second
	heartbeat   = 15 * time.Second
	lookAnyway  = time.Second // while waiting for a version, in case word of it got lost
)

// Queries answers CartQueryService: what the caller's cart is.
type Queries struct {
	store    *store.Store
	events   *eventstore.Store
	watchers *Watchers
}

// NewQueries returns the handler.
func NewQueries(store *store.Store, events *eventstore.Store, watchers *Watchers) *Queries {
	return &Queries{store: store, events: events, watchers: watchers}
}

// GetCart answers the cart, once it has the version asked for.
func (q *Queries) GetCart(ctx context.Context, req *cartv1.GetCartRequest) (*cartv1.GetCartResponse, error) {
	cart, err := q.atLeast(ctx, identity.Must(ctx).ID, req.GetMinVersion())
	if err != nil {
		return nil, err
	}
	return &cartv1.GetCartResponse{Cart: cartToProto(cart)}, nil
}

func (q *Queries) atLeast(ctx context.Context, id string, version int64) (*domain.Cart, error) {
	cart, err := q.store.Get(ctx, id)
	if err != nil || cart.Version >= version {
		return cart, err
	}
	call := ctx
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	changed, stop := q.watchers.Watch(id)
	defer stop()
	for {
		if cart, err = q.store.Get(ctx, id); err != nil && ctx.Err() == nil {
			return nil, err
		}
		if err == nil && cart.Version >= version {
			return cart, nil
		}
		select {
		case <-changed:
		case <-time.After(lookAnyway):
		case <-ctx.Done():
			if err := call.Err(); err != nil { // the client had less time
				return nil, err
			}
			// Word of changes may be late, as while the broker chooses another leader. The events are the truth.
			if cart, err = q.events.Load(call, id); err == nil && cart.Version >= version {
				return cart, nil
			}
			return nil, fault.Unavailable("CART_VERSION_NOT_REACHED", "The cart has not reached version %d; try again.", version)
		}
	}
}

// WatchCart sends the cart now and after each change. It looks again with each heartbeat, in case word of a change got lost.
func (q *Queries) WatchCart(ctx context.Context, _ *cartv1.WatchCartRequest, stream *connect.ServerStream[cartv1.WatchCartResponse]) error {
	id := identity.Must(ctx).ID
	changed, stop := q.watchers.Watch(id)
	defer stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for sent := int64(-1); ; {
		cart, err := q.store.Get(ctx, id)
		if err != nil {
			return err
		}
		if cart.Version != sent { // it falls only when the cart was forgotten
			if err := stream.Send(&cartv1.WatchCartResponse{Cart: cartToProto(cart)}); err != nil {
				return err
			}
			sent = cart.Version
		}
		select {
		case <-changed:
		case <-beat.C:
			if err := stream.Send(&cartv1.WatchCartResponse{}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ListCartEvents answers what happened to the cart, oldest first. Snapshots keep the list short enough to fold it whole.
func (q *Queries) ListCartEvents(ctx context.Context, req *cartv1.ListCartEventsRequest) (*cartv1.ListCartEventsResponse, error) {
	var after int64
	if err := paging.Decode(req.GetPageToken(), &after); err != nil {
		return nil, err
	}
	id := identity.Must(ctx).ID
	events, _, err := q.events.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	res := &cartv1.ListCartEventsResponse{}
	cart := &domain.Cart{ID: id}
	for _, ev := range events {
		before := cart.Version
		cart.Apply(ev)
		if cart.Version == before || cart.Version <= after {
			continue // a repeat, or on an earlier page
		}
		if len(res.GetEvents()) == size {
			res.NextPageToken = paging.Encode(res.GetEvents()[size-1].GetVersion())
			break
		}
		res.Events = append(res.Events, entryToProto(cart.Version, ev))
	}
	return res, nil
}
