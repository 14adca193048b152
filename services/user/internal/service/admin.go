package service

import (
	"context"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/paging"
	"github.com/taproom-shop/taproom/services/user/internal/store"
)

// Admin is the UserAdminService.
type Admin struct {
	Store *store.Store
}

// usersPage is where a page of accounts begins: after the account with this id.
type usersPage struct {
	Before string
}

// eventsPage is where a page of an account's events begins: after this version.
type eventsPage struct {
	UserID string
	After  int64
}

// ListUsers returns accounts, newest first.
func (s *Admin) ListUsers(ctx context.Context, req *userv1.ListUsersRequest) (*userv1.ListUsersResponse, error) {
	var page usersPage
	if err := paging.Decode(req.GetPageToken(), &page); err != nil {
		return nil, err
	}
	size := paging.Size(req.GetPageSize())
	users, err := s.Store.Users(ctx, req.GetEmail(), page.Before, size+1)
	if err != nil {
		return nil, err
	}
	answer := &userv1.ListUsersResponse{}
	if len(users) > size {
		users = users[:size]
		answer.NextPageToken = paging.Encode(usersPage{Before: users[size-1].ID})
	}
	for _, u := range users {
		answer.Users = append(answer.Users, userToProto(u))
	}
	return answer, nil
}

// GetUser returns an account.
func (s *Admin) GetUser(ctx context.Context, req *userv1.GetUserRequest) (*userv1.GetUserResponse, error) {
	account, err := s.Store.User(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	return &userv1.GetUserResponse{User: userToProto(account)}, nil
}

// SetUserRole changes what an account may do and ends its sessions.
func (s *Admin) SetUserRole(ctx context.Context, req *userv1.SetUserRoleRequest) (*userv1.SetUserRoleResponse, error) {
	account, err := s.Store.SetRole(ctx, req.GetUserId(), roleFromProto(req.GetRole()), identity.Must(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &userv1.SetUserRoleResponse{User: userToProto(account)}, nil
}

// ListUserEvents returns what happened to an account, also to a deleted one, oldest first.
func (s *Admin) ListUserEvents(ctx context.Context, req *userv1.ListUserEventsRequest) (*userv1.ListUserEventsResponse, error) {
	page := eventsPage{UserID: req.GetUserId()}
	if err := paging.Decode(req.GetPageToken(), &page); err != nil {
		return nil, err
	}
	if page.UserID != req.GetUserId() {
		return nil, fault.Invalid("PAGE_TOKEN_INVALID", "this page token belongs to another account")
	}
	size := paging.Size(req.GetPageSize())
	events, err := s.Store.History(ctx, req.GetUserId(), page.After, size+1)
	if err != nil {
		return nil, err
	}
	answer := &userv1.ListUserEventsResponse{}
	if len(events) > size {
		events = events[:size]
		answer.NextPageToken = paging.Encode(eventsPage{UserID: page.UserID, After: events[size-1].Version})
	}
	for _, event := range events {
		answer.Events = append(answer.Events, eventToProto(event))
	}
	return answer, nil
}
