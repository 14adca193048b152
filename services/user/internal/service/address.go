package service

import (
	"context"

	"github.com/google/uuid"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

// ListAddresses returns the caller's addresses.
func (s *User) ListAddresses(ctx context.Context, _ *userv1.ListAddressesRequest) (*userv1.ListAddressesResponse, error) {
	addresses, err := s.Store.Addresses(ctx, identity.Must(ctx).ID)
	if err != nil {
		return nil, err
	}
	answer := &userv1.ListAddressesResponse{Addresses: make([]*userv1.SavedAddress, len(addresses))}
	for i, a := range addresses {
		answer.Addresses[i] = addressToProto(a)
	}
	return answer, nil
}

// CreateAddress saves an address of the caller.
func (s *User) CreateAddress(ctx context.Context, req *userv1.CreateAddressRequest) (*userv1.CreateAddressResponse, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	saved, err := s.Store.CreateAddress(ctx, addressFromProto(id.String(), identity.Must(ctx).ID, req.GetAddress(), req.GetIsDefault()))
	if err != nil {
		return nil, err
	}
	return &userv1.CreateAddressResponse{Address: addressToProto(saved)}, nil
}

// UpdateAddress replaces an address of the caller.
func (s *User) UpdateAddress(ctx context.Context, req *userv1.UpdateAddressRequest) (*userv1.UpdateAddressResponse, error) {
	updated, err := s.Store.UpdateAddress(ctx, addressFromProto(req.GetId(), identity.Must(ctx).ID, req.GetAddress(), req.GetIsDefault()))
	if err != nil {
		return nil, err
	}
	return &userv1.UpdateAddressResponse{Address: addressToProto(updated)}, nil
}

// DeleteAddress deletes an address of the caller.
func (s *User) DeleteAddress(ctx context.Context, req *userv1.DeleteAddressRequest) (*userv1.DeleteAddressResponse, error) {
	if err := s.Store.DeleteAddress(ctx, identity.Must(ctx).ID, req.GetId()); err != nil {
		return nil, err
	}
	return &userv1.DeleteAddressResponse{}, nil
}
