package e2e_test

import (
	"testing"
	"time"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func gaps(t *testing.T, p *shoptest.Person, id string) {
	res, _ := p.Orders.GetOrderTimeline(t.Context(), &orderv1.GetOrderTimelineRequest{Id: id})
	var last time.Time
	for _, e := range res.GetEntries() {
		at := e.GetOccurredAt().AsTime()
		if !last.IsZero() && at.Sub(last) > 2*time.Second {
			t.Logf("GAP %v before %s order %s", at.Sub(last), e.GetType(), id)
		}
		last = at
	}
}
