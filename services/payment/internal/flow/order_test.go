package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/payment/internal/domain"
)

// Events in any order and any number, mixed with the work of intents and webhooks, end in an allowed outcome with the books
// in balance.
func TestAnyOrderOfEventsEndsWell(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := newID()
		w.deposit(t, user, 1<<30)
		pay := map[string]order{"wallet": newOrder(user, 100, byWallet())}
		for _, number := range []string{"4242424242424242", "4000000000000002", "4000000000000267", "4000000000000275", "4000000000000283", "4000000000000291", "4000000000000309"} {
			pay[number] = newOrder(user, 100, byCard(w.card(t, user, number)))
		}
		methods := make([]string, 0, len(pay))
		for method := range pay {
			methods = append(methods, method)
		}
		fewer(t, "40")
		rapid.Check(t, func(t *rapid.T) {
			method := rapid.SampledFrom(methods).Draw(t, "method")
			o := newOrder(user, 100, pay[method].pay)
			placed, confirmed, cancelled := o.placed(), o.confirmed(), o.cancelled()
			steps := map[string][]messaging.Message{
				"placed": {placed}, "placed again": {o.placed()}, "confirmed": {confirmed}, "confirmed again": {o.confirmed()},
				"cancelled": {cancelled}, "cancelled again": {o.cancelled()}, "all": {placed, confirmed, cancelled}, "work": nil,
			}
			var waiting []messaging.Message
			deliver := func(msgs []messaging.Message) {
				for i, outcome := range w.orders.Process(t.Context(), msgs) {
					switch outcome.Action {
					case messaging.Ack:
					case messaging.Nak:
						waiting = append(waiting, msgs[i])
					case messaging.Requeue, messaging.SetAside:
						require.NoError(t, outcome.Err)
					}
				}
			}
			cancels := false
			names := []string{"placed", "placed again", "confirmed", "confirmed again", "cancelled", "cancelled again", "all", "work", "work", "work"}
			for _, step := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 10).Draw(t, "steps") {
				cancels = cancels || step == "cancelled" || step == "cancelled again" || step == "all"
				if step == "work" {
					w.work(t)
					continue
				}
				deliver(steps[step])
			}
			deliver(steps["placed"])
			w.settle(t)
			deliver(steps["confirmed"])
			for len(waiting) > 0 { // what was not acked comes again
				again := waiting
				waiting = nil
				deliver(again)
				w.settle(t)
			}
			w.settle(t)

			p := w.payment(t, o)
			switch {
			case cancels:
				require.Contains(t, []domain.State{domain.Voided, domain.Refunded, domain.Declined}, p.State)
			case method == "4000000000000002" || method == "4000000000000309":
				require.Equal(t, domain.Declined, p.State)
			default:
				require.Equal(t, domain.Captured, p.State)
			}
			counts := map[string]int{}
			for _, name := range w.events(t, o.id) {
				counts[name]++
				require.Equal(t, 1, counts[name], "%s was told twice", name)
			}
			w.balanced(t)
			w.agreed(t)
		})
	})
}
