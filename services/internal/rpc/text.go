package rpc

import (
	"context"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// text refuses strings with a NUL character, which JSON and protobuf allow and PostgreSQL can't keep: a request is good on
// every database or on none.
type text struct{ handlerOnly }

// WrapUnary implements connect.Interceptor.
func (text) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := checkText(req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (text) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, textConn{conn})
	}
}

type textConn struct{ connect.StreamingHandlerConn }

// Receive checks each message of the client.
func (c textConn) Receive(msg any) error {
	if err := c.StreamingHandlerConn.Receive(msg); err != nil {
		return err
	}
	return checkText(msg)
}

func checkText(msg any) error {
	m, ok := msg.(proto.Message)
	if !ok {
		return nil
	}
	if path, found := nulIn(m.ProtoReflect()); found {
		return fault.Invalid(ReasonValidationFailed, "the text of %s has a NUL character; leave it out", path).
			WithField(path, "must not contain a NUL character")
	}
	return nil
}

// nulIn finds the path of a string with a NUL character.
func nulIn(m protoreflect.Message) (path string, found bool) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		check := func(v protoreflect.Value) {
			switch field.Kind() {
			case protoreflect.StringKind:
				found = strings.IndexByte(v.String(), 0) >= 0
			case protoreflect.MessageKind:
				var below string
				if below, found = nulIn(v.Message()); found {
					path = string(field.Name()) + "." + below
				}
			}
		}
		switch {
		case field.IsMap():
			return true // no request has one
		case field.IsList():
			for i := 0; i < value.List().Len() && !found; i++ {
				check(value.List().Get(i))
			}
		default:
			check(value)
		}
		if found && path == "" {
			path = string(field.Name())
		}
		return !found
	})
	return path, found
}
