package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/wrapperspb"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/cart/v1/cartv1connect"
	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/fault"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/rpc"
	"github.com/taproom-shop/taproom/services/internal/rpc/rpctest"
)

// failing returns handlers that end with what fail returns.
func failing(fail func(ctx context.Context) error) (unaryFunc, streamFunc) {
	return func(ctx context.Context, _ *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
			return nil, fail(ctx)
		}, func(ctx context.Context, _ *wrapperspb.StringValue, _ *connect.ServerStream[wrapperspb.StringValue]) error {
			return fail(ctx)
		}
}

var public = []method{{access: policyv1.Access_ACCESS_PUBLIC}, {access: policyv1.Access_ACCESS_PUBLIC, stream: true}}

func TestFaultsAreToldWithReasonAndFields(t *testing.T) {
	shop := rpctest.New(t)
	unary, stream := failing(func(context.Context) error {
		return fmt.Errorf("placing: %w", fault.FailedPrecondition("ORDER_IN_PROGRESS", "finish order %s first", "o1").
			With("order_id", "o1").WithField("cart_id", "has an open order").WithCause(errors.New("secret: unique index")))
	})
	shop.Serve("test")(newHandler(t, unary, stream, shop.Options("order")...))
	client, url := shop.Client("test")
	for protocol, options := range protocols {
		for _, m := range public {
			_, err := call(t.Context(), client, url, m, "", options...)
			require.Equal(t, connect.CodeFailedPrecondition, connect.CodeOf(err), protocol)
			require.NotContains(t, err.Error(), "secret")
			require.ErrorContains(t, err, "finish order o1 first")
			require.Equal(t, "ORDER_IN_PROGRESS", info(err).GetReason())
			require.Equal(t, "order.taproom", info(err).GetDomain())
			require.Equal(t, map[string]string{"order_id": "o1"}, info(err).GetMetadata())
			bad := detail[*errdetails.BadRequest](err)
			require.Len(t, bad, 1)
			require.Equal(t, "cart_id", bad[0].GetFieldViolations()[0].GetField())
			require.Equal(t, "has an open order", bad[0].GetFieldViolations()[0].GetDescription())
		}
	}
}

func TestEveryKindHasItsCode(t *testing.T) {
	var kind fault.Kind
	shop := rpctest.New(t)
	unary, stream := failing(func(context.Context) error { return &fault.Error{Kind: kind, Reason: "R", Message: "m"} })
	shop.Serve("test")(newHandler(t, unary, stream, shop.Options("test")...))
	client, url := shop.Client("test")
	for kind = fault.KindInvalid; kind <= fault.KindInternal; kind++ {
		_, err := call(t.Context(), client, url, public[0], "")
		require.Equal(t, kind, fault.KindOf(rpc.Fault(err)), "%s comes back as itself", kind)
	}
}

func TestUnexpectedErrorsAreLoggedAndNotTold(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"unknown":        func(context.Context) error { return errors.New("secret table name") },
		"panic":          func(context.Context) error { panic("secret table name") },
		"internal fault": func(context.Context) error { return fault.Internal("LEDGER_BROKEN", "secret table name") },
		"other's": func(context.Context) error {
			return connect.NewWireError(connect.CodeNotFound, errors.New("secret table name"))
		},
		"cancel inside": func(context.Context) error { return fmt.Errorf("secret table name: %w", context.Canceled) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			shop := rpctest.New(t)
			shop.Log = slog.New(slog.NewTextHandler(&log, nil))
			unary, stream := failing(fail)
			shop.Serve("test")(newHandler(t, unary, stream, shop.Options("test")...))
			client, url := shop.Client("test")
			for _, m := range public {
				log.Reset()
				_, err := call(t.Context(), client, url, m, "")
				require.Equal(t, connect.CodeInternal, connect.CodeOf(err))
				require.Equal(t, rpc.ReasonInternal, info(err).GetReason())
				require.NotContains(t, err.Error(), "secret")
				require.Contains(t, log.String(), "secret table name")
				require.Contains(t, log.String(), m.procedure())
			}
		})
	}
}

func TestLateCallsAreNotBegun(t *testing.T) {
	shop := rpctest.New(t)
	begun := false
	unary, stream := failing(func(context.Context) error { begun = true; return nil })
	_, handler := newHandler(t, unary, stream, shop.Options("test")...)
	client, url := network(t, handler)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+public[0].procedure(), strings.NewReader(`"x"`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Connect-Timeout-Ms", "0")
	answer, err := client.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusGatewayTimeout, answer.StatusCode)
	require.False(t, begun)
}

func TestDeadlines(t *testing.T) {
	shop := rpctest.New(t)
	deadlines := make(chan time.Duration, 1)
	unary, stream := failing(func(ctx context.Context) error {
		deadline, ok := ctx.Deadline()
		if !ok {
			deadlines <- 0
			return nil
		}
		deadlines <- time.Until(deadline)
		return errors.New("database: interrupted")
	})
	shop.Serve("test")(newHandler(t, unary, stream, shop.Options("test")...))
	client, url := shop.Client("test")

	_, _ = call(t.Context(), client, url, public[0], "")
	require.InDelta(t, rpc.MaxUnaryTime, <-deadlines, float64(time.Second), "a call without a deadline gets one")
	long, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	_, _ = call(long, client, url, public[0], "")
	require.LessOrEqual(t, <-deadlines, rpc.MaxUnaryTime, "a long one is cut")
	short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, _ = call(short, client, url, public[0], "")
	require.LessOrEqual(t, <-deadlines, 3*time.Second, "a short one is kept")
	_, _ = call(t.Context(), client, url, public[1], "")
	require.Zero(t, <-deadlines, "streams have none")
}

func TestErrorsAfterTheDeadlineAreDeadlines(t *testing.T) {
	shop := rpctest.New(t)
	unary, stream := failing(func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("database: interrupted")
	})
	_, handler := newHandler(t, unary, stream, shop.Options("test")...)
	client, url := network(t, handler)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+public[0].procedure(), strings.NewReader(`"x"`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Connect-Timeout-Ms", "20")
	answer, err := client.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusGatewayTimeout, answer.StatusCode)
}

type cartCommands struct {
	cartv1connect.UnimplementedCartCommandServiceHandler
}

func (cartCommands) AddItem(context.Context, *cartv1.AddItemRequest) (*cartv1.AddItemResponse, error) {
	return &cartv1.AddItemResponse{}, nil
}

func TestValidationNamesTheFields(t *testing.T) {
	shop := rpctest.New(t)
	shop.Serve("cart")(cartv1connect.NewCartCommandServiceHandler(cartCommands{}, shop.Options("cart")...))
	client, url := shop.Client("cart")
	commands := cartv1connect.NewCartCommandServiceClient(client, url, shop.As(identity.RoleGuest, "g1"))
	_, err := commands.AddItem(t.Context(), &cartv1.AddItemRequest{BeerId: "not an id"})
	require.Equal(t, connect.CodeInvalidArgument, connect.CodeOf(err))
	require.Equal(t, rpc.ReasonValidationFailed, info(err).GetReason())
	bad := detail[*errdetails.BadRequest](err)
	require.Len(t, bad, 1)
	var fields []string
	for _, violation := range bad[0].GetFieldViolations() {
		fields = append(fields, violation.GetField())
		require.NotEmpty(t, violation.GetDescription())
	}
	require.Contains(t, fields, "beer_id")
}

func TestUnreadableMessagesAreInvalid(t *testing.T) {
	shop := rpctest.New(t)
	_, handler := newHandler(t, whoami, whoamiStream, shop.Options("test")...)
	client, url := network(t, handler)
	notUTF8 := []byte{0x0a, 0x02, 0xff, 0xfe} // field 1, a string of two bytes
	for name, body := range map[string]struct {
		contentType string
		bytes       []byte
	}{
		"not UTF-8 in proto": {"application/proto", notUTF8},
		"not UTF-8 in JSON":  {"application/json", []byte("\"\xff\xfe\"")},
		"not JSON":           {"application/json", []byte("{")},
		"cut off":            {"application/proto", []byte{0x0a, 0x09, 'a'}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := client.Post(url+public[0].procedure(), body.contentType, bytes.NewReader(body.bytes))
			require.NoError(t, err)
			defer answer.Body.Close()
			require.Equal(t, http.StatusBadRequest, answer.StatusCode)
		})
	}
	t.Run("not UTF-8 in gRPC", func(t *testing.T) {
		envelope := append([]byte{0, 0, 0, 0, byte(len(notUTF8))}, notUTF8...)
		answer, err := client.Post(url+public[1].procedure(), "application/grpc", bytes.NewReader(envelope))
		require.NoError(t, err)
		defer answer.Body.Close()
		_, _ = new(bytes.Buffer).ReadFrom(answer.Body)
		require.Equal(t, "3", firstOf(answer.Trailer, answer.Header, "Grpc-Status"))
	})
}

func firstOf(a, b http.Header, name string) string {
	if v := a.Get(name); v != "" {
		return v
	}
	return b.Get(name)
}
