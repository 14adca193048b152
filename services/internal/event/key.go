package event

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Key tells what an event is about, so that a cause can be told from others when an effect is about the same: the order
// where it names one, whatever aggregate it is of, else the aggregate. It is empty when the message is no event.
func Key(msg proto.Message) string {
	m := msg.ProtoReflect()
	if order := m.Descriptor().Fields().ByName("order_id"); order != nil && order.Kind() == protoreflect.StringKind && !order.IsList() {
		return m.Get(order).String()
	}
	r, err := routeOf(msg)
	if err != nil {
		return ""
	}
	return m.Get(r.aggregate).String()
}
