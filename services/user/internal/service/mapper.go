package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/user/internal/domain"
)

func userToProto(u domain.User) *userv1.User {
	return &userv1.User{
		Id:          u.ID,
		Email:       u.Email,
		DisplayName: u.DisplayName,
		Role:        roleToProto(u.Role),
		CreatedAt:   timestamppb.New(u.CreatedAt),
		Version:     u.Version,
	}
}

func roleToProto(role domain.Role) userv1.Role {
	switch role {
	case domain.Guest:
		return userv1.Role_ROLE_GUEST
	case domain.Customer:
		return userv1.Role_ROLE_CUSTOMER
	case domain.Staff:
		return userv1.Role_ROLE_STAFF
	default:
		return userv1.Role_ROLE_UNSPECIFIED
	}
}

// roleFromProto knows the roles of accounts; the schema lets no other in.
func roleFromProto(role userv1.Role) domain.Role {
	if role == userv1.Role_ROLE_STAFF {
		return domain.Staff
	}
	return domain.Customer
}

func eventToProto(event domain.Event) *userv1.UserEvent {
	return &userv1.UserEvent{
		Version:    event.Version,
		Type:       event.Fact.Type(),
		OccurredAt: timestamppb.New(event.OccurredAt),
		ActorId:    event.ActorID,
	}
}

func addressToProto(a domain.Address) *userv1.SavedAddress {
	return &userv1.SavedAddress{
		Id: a.ID,
		Address: &typev1.Address{
			Recipient:  a.Recipient,
			Street:     a.Street,
			City:       a.City,
			PostalCode: a.PostalCode,
			Country:    a.Country,
			Phone:      a.Phone,
		},
		IsDefault: a.IsDefault,
	}
}

func addressFromProto(id, userID string, a *typev1.Address, isDefault bool) domain.Address {
	return domain.Address{
		ID: id, UserID: userID, IsDefault: isDefault,
		Recipient:  a.GetRecipient(),
		Street:     a.GetStreet(),
		City:       a.GetCity(),
		PostalCode: a.GetPostalCode(),
		Country:    a.GetCountry(),
		Phone:      a.GetPhone(),
	}
}
