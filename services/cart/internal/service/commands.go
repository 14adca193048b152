// Package service answers the cart service's remote calls.
package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/cart/internal/domain"
	"github.com/taproom-shop/taproom/services/cart/internal/eventstore"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
)

// Commands answers CartCommandService: changes of the caller's cart.
type Commands struct {
	events      *eventstore.Store
	prices      catalogv1connect.CatalogPriceServiceClient
	verifier    *identity.Verifier
	revocations rpc.Revocations
}

// NewCommands returns the handler.
func NewCommands(events *eventstore.Store, prices catalogv1connect.CatalogPriceServiceClient, verifier *identity.Verifier, revocations rpc.Revocations) *Commands {
	return &Commands{events: events, prices: prices, verifier: verifier, revocations: revocations}
}

// request is what every command with a request id has.
type request interface {
	proto.Message
	GetRequestId() string
}

// do carries a command on the caller's cart out, once per method and request id.
func (c *Commands) do(ctx context.Context, req request, decide domain.Decide) (*cartv1.Cart, error) {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(bytes)
	command := domain.Command{
		ID:     string(req.ProtoReflect().Descriptor().Name()) + ":" + strings.ToLower(req.GetRequestId()),
		Digest: hex.EncodeToString(digest[:8]),
	}
	caller := identity.Must(ctx)
	cart, err := c.events.Do(ctx, caller.ID, caller.Role == identity.RoleGuest, command, decide)
	if err != nil {
		return nil, err
	}
	return cartToProto(cart), nil
}

// AddItem adds units of a beer that can be bought.
func (c *Commands) AddItem(ctx context.Context, req *cartv1.AddItemRequest) (*cartv1.AddItemResponse, error) {
	add := domain.Add(req.GetBeerId(), req.GetQuantity())
	cart, err := c.do(ctx, req, func(cart *domain.Cart) (*eventv1.CartEvent, error) {
		// Asked only for a command that is new: a repeat is answered even if the beer was archived since.
		if err := c.checkBeer(ctx, req.GetBeerId()); err != nil {
			return nil, err
		}
		return add(cart)
	})
	if err != nil {
		return nil, err
	}
	return &cartv1.AddItemResponse{Cart: cart}, nil
}

func (c *Commands) checkBeer(ctx context.Context, beerID string) error {
	res, err := c.prices.BatchGetPrices(ctx, &catalogv1.BatchGetPricesRequest{BeerIds: []string{beerID}})
	if err != nil {
		return err
	}
	switch {
	case len(res.GetPrices()) == 0:
		return fault.NotFound("BEER_NOT_FOUND", "There is no beer %s.", beerID)
	case res.GetPrices()[0].GetArchived():
		return fault.FailedPrecondition("BEER_ARCHIVED", "%s is not sold any more.", res.GetPrices()[0].GetName())
	}
	return nil
}

// ChangeQuantity sets the units of a line.
func (c *Commands) ChangeQuantity(ctx context.Context, req *cartv1.ChangeQuantityRequest) (*cartv1.ChangeQuantityResponse, error) {
	cart, err := c.do(ctx, req, domain.SetQuantity(req.GetBeerId(), req.GetQuantity()))
	if err != nil {
		return nil, err
	}
	return &cartv1.ChangeQuantityResponse{Cart: cart}, nil
}

// RemoveItem removes a line.
func (c *Commands) RemoveItem(ctx context.Context, req *cartv1.RemoveItemRequest) (*cartv1.RemoveItemResponse, error) {
	cart, err := c.do(ctx, req, domain.Remove(req.GetBeerId()))
	if err != nil {
		return nil, err
	}
	return &cartv1.RemoveItemResponse{Cart: cart}, nil
}

// ResetCart empties the cart.
func (c *Commands) ResetCart(ctx context.Context, req *cartv1.ResetCartRequest) (*cartv1.ResetCartResponse, error) {
	cart, err := c.do(ctx, req, domain.Reset())
	if err != nil {
		return nil, err
	}
	return &cartv1.ResetCartResponse{Cart: cart}, nil
}

// MergeCart takes a guest's cart into the caller's, in two steps that a repeat completes: the guest's cart first writes
// down what it gives to whom, then the caller's takes that in. A crash between them loses nothing, and since the second
// step is a command that the first one names, it happens once.
func (c *Commands) MergeCart(ctx context.Context, req *cartv1.MergeCartRequest) (*cartv1.MergeCartResponse, error) {
	guest, err := c.guest(req.GetGuestToken())
	if err != nil {
		return nil, err
	}
	userID := identity.Must(ctx).ID
	given, err := c.events.Load(ctx, guest.ID)
	if err != nil {
		return nil, err
	}
	// An earlier merge may have stopped half-way, also one into another account of the same person.
	if err := c.takeIn(ctx, guest.ID, given.HandedOver()); err != nil {
		return nil, err
	}
	merge, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	given, err = c.events.Do(ctx, guest.ID, true, domain.Command{ID: "handover:" + merge.String()}, domain.HandOver(userID, "merge:"+merge.String()))
	if err != nil {
		return nil, err
	}
	if err := c.takeIn(ctx, guest.ID, given.HandedOver()); err != nil {
		return nil, err
	}
	cart, err := c.events.Load(ctx, userID)
	if err != nil {
		return nil, err
	}
	return &cartv1.MergeCartResponse{Cart: cartToProto(cart)}, nil
}

func (c *Commands) guest(token string) (identity.Principal, error) {
	guest, err := c.verifier.Verify(token)
	if err != nil || guest.Role != identity.RoleGuest || c.revocations.Revoked(guest) {
		return identity.Principal{}, fault.Invalid("GUEST_TOKEN_INVALID", "guest_token is not the valid access token of a guest; refresh the guest's session and try again.").WithCause(err)
	}
	return guest, nil
}

// takeIn does the second step of a hand-over, if there was one.
func (c *Commands) takeIn(ctx context.Context, guestID string, given *eventv1.CartHandedOver) error {
	if given == nil {
		return nil
	}
	_, err := c.events.Do(ctx, given.GetToCartId(), false, domain.Command{ID: given.GetMergeCommandId()}, domain.Merge(guestID, given.GetLines()))
	return err
}
