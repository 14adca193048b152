package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

func TestConstructorsSetKindReasonAndMessage(t *testing.T) {
	constructors := map[fault.Kind]func(reason, format string, args ...any) *fault.Error{
		fault.KindInvalid:            fault.Invalid,
		fault.KindNotFound:           fault.NotFound,
		fault.KindAlreadyExists:      fault.AlreadyExists,
		fault.KindFailedPrecondition: fault.FailedPrecondition,
		fault.KindPermissionDenied:   fault.PermissionDenied,
		fault.KindUnauthenticated:    fault.Unauthenticated,
		fault.KindResourceExhausted:  fault.ResourceExhausted,
		fault.KindAborted:            fault.Aborted,
		fault.KindOutOfRange:         fault.OutOfRange,
		fault.KindUnavailable:        fault.Unavailable,
		fault.KindDeadlineExceeded:   fault.DeadlineExceeded,
		fault.KindCanceled:           fault.Canceled,
		fault.KindUnimplemented:      fault.Unimplemented,
		fault.KindInternal:           fault.Internal,
	}
	for kind, construct := range constructors {
		t.Run(kind.String(), func(t *testing.T) {
			err := construct("A_REASON", "beer %s is gone", "b1")
			require.Equal(t, kind, err.Kind)
			require.Equal(t, "A_REASON: beer b1 is gone", err.Error())
		})
	}
	require.Len(t, constructors, int(fault.KindInternal), "every kind has a constructor")
}

func TestWithReturnsCopies(t *testing.T) {
	template := fault.FailedPrecondition("ORDER_IN_PROGRESS", "finish the order first")
	cause := errors.New("unique index")
	changed := template.With("order_id", "o1").WithField("cart_id", "has %d lines", 0).WithCause(cause)
	again := changed.With("order_id", "o2")

	require.Nil(t, template.Metadata)
	require.Empty(t, template.Fields)
	require.Equal(t, "o1", changed.Metadata["order_id"])
	require.Equal(t, "o2", again.Metadata["order_id"])
	require.Equal(t, []fault.Field{{Path: "cart_id", Message: "has 0 lines"}}, changed.Fields)
	require.ErrorIs(t, changed, cause)
	require.ErrorIs(t, changed, template)
	require.NotErrorIs(t, changed, fault.FailedPrecondition("OTHER", "x"))
	require.Equal(t, "ORDER_IN_PROGRESS: finish the order first: unique index", changed.Error())
}

func TestKindAndReasonOfWrappedErrors(t *testing.T) {
	wrapped := fmt.Errorf("loading: %w", fault.NotFound("BEER_NOT_FOUND", "no such beer"))
	require.Equal(t, fault.KindNotFound, fault.KindOf(wrapped))
	require.Equal(t, "BEER_NOT_FOUND", fault.ReasonOf(wrapped))

	require.Equal(t, fault.KindCanceled, fault.KindOf(fmt.Errorf("x: %w", context.Canceled)))
	require.Equal(t, fault.KindDeadlineExceeded, fault.KindOf(context.DeadlineExceeded))
	require.Equal(t, fault.KindInternal, fault.KindOf(errors.New("boom")))
	require.Empty(t, fault.ReasonOf(errors.New("boom")))
	require.Zero(t, fault.KindOf(nil))
}
