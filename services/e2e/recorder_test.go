package e2e_test

import (
	"context"
	"net/http"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// recorder notes which methods answered well, by protocol. What repeats requests under their id has its own file.
type recorder struct {
	mu       sync.Mutex
	answered map[call]bool
}

// call is a call of a method; verb is HTTP's, and empty for streams.
type call struct{ protocol, procedure, verb string }

func newRecorder() *recorder { return &recorder{answered: make(map[call]bool)} }

func (r *recorder) note(c call) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first = !r.answered[c]
	r.answered[c] = true
	return first
}

// has reports whether the method answered in the protocol, by GET where that is the protocol's point.
func (r *recorder) has(protocol string, m method) bool {
	verb := http.MethodPost
	switch {
	case m.IsStreamingServer():
		verb = ""
	case protocol == "Connect GET" && m.readsOnly():
		verb = http.MethodGet
	}
	return r.answered[call{protocol, m.procedure(), verb}]
}

// in returns the interceptor of clients of one protocol. repeat is called once a method has answered for the first time.
func (r *recorder) in(protocol string, repeat func(send sender, req, res proto.Message, m protoreflect.MethodDescriptor)) connect.Interceptor {
	return &recording{recorder: r, protocol: protocol, repeat: repeat}
}

// sender sends a request as the recorded call was sent.
type sender func(req proto.Message) (proto.Message, error)

type recording struct {
	*recorder
	protocol string
	repeat   func(send sender, req, res proto.Message, m protoreflect.MethodDescriptor)
}

// WrapUnary implements connect.Interceptor.
func (r *recording) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		res, err := next(ctx, req)
		if err != nil || !r.note(call{r.protocol, req.Spec().Procedure, req.HTTPMethod()}) {
			return res, err
		}
		sent, _ := req.Any().(proto.Message)
		answer, _ := res.Any().(proto.Message)
		described, _ := req.Spec().Schema.(protoreflect.MethodDescriptor)
		before := proto.Clone(sent)
		r.repeat(func(other proto.Message) (proto.Message, error) {
			overwrite(sent, other)
			defer overwrite(sent, before)
			res, err := next(ctx, req)
			if err != nil {
				return nil, err
			}
			answer, _ := res.Any().(proto.Message)
			return answer, nil
		}, before, answer, described)
		return res, nil
	}
}

func overwrite(to, from proto.Message) {
	proto.Reset(to)
	proto.Merge(to, from)
}

// WrapStreamingClient implements connect.Interceptor.
func (r *recording) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		return &recordedConn{StreamingClientConn: next(ctx, spec), recording: r}
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (r *recording) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

type recordedConn struct {
	connect.StreamingClientConn
	recording *recording
}

// Receive implements connect.StreamingClientConn.
func (c *recordedConn) Receive(msg any) error {
	err := c.StreamingClientConn.Receive(msg)
	if err == nil {
		c.recording.note(call{protocol: c.recording.protocol, procedure: c.Spec().Procedure})
	}
	return err
}
