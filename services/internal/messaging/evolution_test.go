package messaging_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/messaging"
)

// added is the field that the next version of OrderPlaced has.
const added = "gift_note"

// nextVersion describes OrderPlaced as a newer service knows it: with one field more.
func nextVersion(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	known := (&eventv1.OrderPlaced{}).ProtoReflect().Descriptor()
	file := protodesc.ToFileDescriptorProto(known.ParentFile())
	for _, message := range file.GetMessageType() {
		if message.GetName() == string(known.Name()) {
			message.Field = append(message.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String(added), Number: proto.Int32(1000), JsonName: proto.String("giftNote"),
				Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			})
		}
	}
	newer, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	require.NoError(t, err)
	return newer.Messages().ByName(known.Name())
}

// A service that does not know a field yet takes the event, and hands it on whole when it sets it aside.
func TestAnEventOfANewerVersionIsTaken(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db *database.DB) {
		next := nextVersion(t)
		event := dynamicpb.NewMessage(next)
		older, err := proto.Marshal(placed(1))
		require.NoError(t, err)
		require.NoError(t, proto.Unmarshal(older, event))
		event.Set(next.Fields().ByName(added), protoreflect.ValueOfString("to Ada"))
		data, err := proto.Marshal(event)
		require.NoError(t, err)

		var got *eventv1.OrderPlaced
		p := processor(t, db, messaging.On(func(ctx context.Context, tx *database.Tx, ev messaging.Event, msg *eventv1.OrderPlaced) error {
			got = msg
			return count(ctx, tx, ev)
		}))
		msg := message(t, eventID(1), placed(1))
		msg.Data = data
		require.Equal(t, []messaging.Action{messaging.Ack}, actions(p.Process(t.Context(), []messaging.Message{msg})))
		require.Equal(t, "order-001", got.GetOrderId())
		again, err := proto.Marshal(got)
		require.NoError(t, err)
		whole := dynamicpb.NewMessage(next)
		require.NoError(t, proto.Unmarshal(again, whole))
		require.Equal(t, "to Ada", whole.Get(next.Fields().ByName(added)).String(), "what is not known is kept")
	})
}

// A newer service takes the event of an older one, whose missing field has its zero value.
func TestAnEventOfAnOlderVersionIsTaken(t *testing.T) {
	data, err := proto.Marshal(placed(1))
	require.NoError(t, err)
	next := nextVersion(t)
	event := dynamicpb.NewMessage(next)
	require.NoError(t, proto.Unmarshal(data, event))
	require.Empty(t, event.Get(next.Fields().ByName(added)).String())
	require.Equal(t, "order-001", event.Get(next.Fields().ByName("order_id")).String())
	_, err = protojson.Marshal(event)
	require.NoError(t, err)
}
