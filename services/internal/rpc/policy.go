package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
)

// Reasons of refused calls.
const (
	ReasonTokenMissing           = "TOKEN_MISSING"
	ReasonCustomerRequired       = "CUSTOMER_REQUIRED"
	ReasonStaffRequired          = "STAFF_REQUIRED"
	ReasonPersonRequired         = "PERSON_REQUIRED"
	ReasonServiceRequired        = "SERVICE_REQUIRED"
	ReasonPolicyMissing          = "POLICY_MISSING"
	ReasonRevocationsUnavailable = "REVOCATIONS_UNAVAILABLE"
)

// policy enforces the access policy that each method names in the schema. A method without one is closed to all.
type policy struct {
	handlerOnly
	revocations Revocations
	patience    time.Duration // with revocations that are not being heard
}

// hearingEvery is how often a call that waits looks whether revocations are being heard again.
const hearingEvery = 50 * time.Millisecond

// WrapUnary implements connect.Interceptor.
func (p policy) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := p.check(ctx, req.Spec()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (p policy) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := p.check(ctx, conn.Spec()); err != nil {
			return err
		}
		return next(ctx, conn)
	}
}

func (p policy) check(ctx context.Context, spec connect.Spec) error {
	access, critical := Policy(spec)
	if err := allow(ctx, access); err != nil {
		return err
	}
	if !critical || p.revocations.Healthy() {
		return nil
	}
	if !p.hearing(ctx) {
		return fault.Unavailable(ReasonRevocationsUnavailable,
			"it can't be told right now whether sessions are still good, so nothing is moved: try again in a moment")
	}
	if caller, known := identity.From(ctx); known && p.revocations.Revoked(caller) {
		return errRevoked() // of which nothing had been heard when the call came
	}
	return nil
}

// hearing waits until revocations are being heard, and reports whether they are.
func (p policy) hearing(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	ticker := time.NewTicker(hearingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
			if p.revocations.Healthy() {
				return true
			}
		}
	}
}

// Policy reads what the schema says about a method: who may call it, and whether it moves money or stock.
func Policy(spec connect.Spec) (access policyv1.Access, critical bool) {
	method, ok := spec.Schema.(protoreflect.MethodDescriptor)
	if !ok {
		return policyv1.Access_ACCESS_UNSPECIFIED, false
	}
	access, _ = proto.GetExtension(method.Options(), policyv1.E_Access).(policyv1.Access)
	critical, _ = proto.GetExtension(method.Options(), policyv1.E_Critical).(bool)
	return access, critical
}

// allow judges the person on whose behalf the call is made; a service that acts alone passes only where no person is
// needed.
func allow(ctx context.Context, access policyv1.Access) error {
	caller, known := identity.From(ctx)
	switch access {
	case policyv1.Access_ACCESS_PUBLIC:
		return nil
	case policyv1.Access_ACCESS_SERVICE:
		if _, isService := identity.Service(ctx); isService {
			return nil
		}
		return refuse(known, ReasonServiceRequired, "this method is for other services of the shop")
	case policyv1.Access_ACCESS_GUEST:
		if known && caller.Role != identity.RoleService {
			return nil
		}
		return refuse(known, ReasonPersonRequired, "this method acts for a person: pass the person's token on")
	case policyv1.Access_ACCESS_CUSTOMER:
		if known && (caller.Role == identity.RoleCustomer || caller.Role == identity.RoleStaff) {
			return nil
		}
		return refuse(known, ReasonCustomerRequired, "this needs an account: log in or register")
	case policyv1.Access_ACCESS_STAFF:
		if known && caller.Role == identity.RoleStaff {
			return nil
		}
		return refuse(known, ReasonStaffRequired, "this is for staff")
	default:
		return fault.PermissionDenied(ReasonPolicyMissing, "nobody may call this method: its schema names no access policy")
	}
}

func refuse(known bool, reason, message string) error {
	if !known {
		return fault.Unauthenticated(ReasonTokenMissing, "send an access token in the header Authorization: Bearer …")
	}
	return fault.PermissionDenied(reason, "%s", message)
}
