package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

const (
	tryWithin    = 15 * time.Second // as long as the shop may take; a connection whose other end died may never say so
	insistWithin = 30 * time.Second // how long a customer repeats a call
)

// tally counts what customers see during one disturbance.
type tally struct {
	mu       sync.Mutex
	calls    int
	failures []failure   // first tries that failed
	lost     []failure   // calls that never succeeded
	accepted []time.Time // when orders were placed
	refused  int         // calls that were answered with a refusal
	resumed  int         // streams that were opened again
}

// failure is a call that did not succeed.
type failure struct {
	at      time.Time
	method  string
	code    connect.Code
	reason  string
	message string
}

func (f failure) kind() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", f.method, f.code, f.reason))
}

// insist makes a call as a client of the shop does: it is repeated, with the same request id, until the shop has decided.
func insist[Req, Res any](ctx context.Context, t *tally, method string, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	ctx, cancel := context.WithTimeout(ctx, insistWithin)
	defer cancel()
	for tries, pause := 1, 50*time.Millisecond; ; tries++ {
		res, err := attempt(ctx, call, req)
		if err == nil || refusal(err) {
			t.answered(err)
			return res, err
		}
		failed := failureOf(method, err)
		if tries == 1 {
			t.failed(failed)
		}
		if !repeatable(err) || ctx.Err() != nil {
			t.gaveUp(failed)
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, time.Second)
		}
	}
}

func attempt[Req, Res any](ctx context.Context, call func(context.Context, *Req) (*Res, error), req *Req) (*Res, error) {
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	return call(ctx, req)
}

// refusals are what a shop that works may say: the last order is still being taken from the cart or has come back to it,
// or it is on its way already.
var refusals = []string{"ORDER_IN_PROGRESS", "QUOTE_CHANGED", "CART_EMPTY", "CHECKOUT_CHANGED", "ORDER_NOT_CANCELLABLE"}

func refusal(err error) bool { return slices.Contains(refusals, reason(err)) }

// repeatable reports whether a client may hope for a better answer: the shop asks for it, or did not answer at all.
func repeatable(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable, connect.CodeAborted, connect.CodeDeadlineExceeded:
		return true
	default:
		return reason(err) == ""
	}
}

// reason is the machine-readable reason of an error from the shop; "" for any other error.
func reason(err error) string {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return ""
	}
	for _, detail := range failed.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info.GetReason()
			}
		}
	}
	return ""
}

func failureOf(method string, err error) failure {
	return failure{at: time.Now(), method: method, code: connect.CodeOf(err), reason: reason(err), message: err.Error()}
}

func (t *tally) answered(refused error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	if refused != nil {
		t.refused++
	}
}

func (t *tally) failed(f failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, f)
}

func (t *tally) gaveUp(f failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	t.lost = append(t.lost, f)
}

func (t *tally) placed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted = append(t.accepted, time.Now())
}

func (t *tally) streamResumed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resumed++
}

// take returns what was counted and begins anew.
func (t *tally) take() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := &tally{calls: t.calls, failures: t.failures, lost: t.lost, accepted: t.accepted, refused: t.refused, resumed: t.resumed}
	t.calls, t.failures, t.lost, t.accepted, t.refused, t.resumed = 0, nil, nil, nil, 0, 0
	return taken
}

// acceptedSince is when the first order was accepted after a moment; false: none was.
func (t *tally) acceptedSince(moment time.Time) (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.accepted, moment.Before)
	if i < 0 {
		return time.Time{}, false
	}
	return t.accepted[i], true
}

// lastFailure is when a first try failed at last.
func (t *tally) lastFailure() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failures) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(t.failures, func(a, b failure) int { return a.at.Compare(b.at) }).at
}

// kinds counts failures by method, code and reason.
func kinds(failures []failure) string {
	counts, order := make(map[string]int), []string(nil)
	for _, f := range failures {
		if counts[f.kind()]++; counts[f.kind()] == 1 {
			order = append(order, f.kind())
		}
	}
	slices.Sort(order)
	for i, kind := range order {
		order[i] = fmt.Sprintf("%s ×%d", kind, counts[kind])
	}
	return strings.Join(order, ", ")
}
