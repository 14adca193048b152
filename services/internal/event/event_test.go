package event_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	policyv1 "github.com/taproom-shop/taproom/gen/go/taproom/policy/v1"
	"github.com/taproom-shop/taproom/services/internal/event"
)

func TestEventsKnowWhereTheyTravel(t *testing.T) {
	placed := &eventv1.OrderPlaced{OrderId: "0190c7e4-0001-7000-8000-000000000001"}
	for range 2 { // the second time from the cache
		subject, err := event.Subject(placed)
		require.NoError(t, err)
		require.Equal(t, "taproom.order.placed.0190c7e4-0001-7000-8000-000000000001", subject)
		require.Equal(t, placed.GetOrderId(), event.Aggregate(subject))

		stream, err := event.Stream(placed)
		require.NoError(t, err)
		require.Equal(t, "ORDERS", stream)

		filter, err := event.Filter(&eventv1.OrderPlaced{})
		require.NoError(t, err)
		require.Equal(t, "taproom.order.placed.*", filter)
	}
	require.Equal(t, "taproom.event.v1.OrderPlaced", event.Type(placed))
}

func TestIDsThatFitNoSubjectAreRefused(t *testing.T) {
	for _, id := range []string{"", "a.b", "*", ">", "a b", "a\n"} {
		_, err := event.Subject(&eventv1.OrderPlaced{OrderId: id})
		require.ErrorContains(t, err, "order_id", "id %q", id)
	}
}

func TestOtherMessagesAreNoEvents(t *testing.T) {
	for _, ask := range []func(proto.Message) (string, error){event.Subject, event.Stream, event.Filter} {
		_, err := ask(&emptypb.Empty{})
		require.ErrorContains(t, err, "google.protobuf.Empty is no event")
	}
}

// Every message with the option must resolve, and no two share their subjects.
func TestSchemaOfEvents(t *testing.T) {
	seen := make(map[string]protoreflect.FullName)
	files := []protoreflect.FileDescriptor{
		eventv1.File_taproom_event_v1_order_proto, eventv1.File_taproom_event_v1_payment_proto,
		eventv1.File_taproom_event_v1_inventory_proto, eventv1.File_taproom_event_v1_shipping_proto,
		eventv1.File_taproom_event_v1_user_proto, eventv1.File_taproom_event_v1_catalog_proto,
	}
	for _, file := range files {
		for i := range file.Messages().Len() {
			descriptor := file.Messages().Get(i)
			if !proto.HasExtension(descriptor.Options(), policyv1.E_Event) {
				continue
			}
			filter, err := event.Filter(newMessage(t, descriptor))
			require.NoError(t, err)
			require.Empty(t, seen[filter], "%s has the subjects of another event", descriptor.FullName())
			seen[filter] = descriptor.FullName()
		}
	}
	require.NotEmpty(t, seen)
}

func newMessage(t *testing.T, descriptor protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	require.NoError(t, err)
	return messageType.New().Interface()
}

func TestDerivedIDsDependOnTheKeyAlone(t *testing.T) {
	id := event.DeriveID("package-1", "handed_over")
	require.Equal(t, id, event.DeriveID("package-1", "handed_over"))
	require.NotEqual(t, id, event.DeriveID("package-1", "delivered"))
	require.NotEqual(t, event.DeriveID("a", "bc"), event.DeriveID("ab", "c"))
	require.Equal(t, "50f9b1a8-31ff-5995-b1c8-4b1e3784f400", id, "ids of old events must not change")
}
