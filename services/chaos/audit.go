package chaos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/shop"
)

const (
	endedWithin  = 90 * time.Second // all orders, once nobody buys
	restWithin   = 90 * time.Second // the books
	newsWithin   = 40 * time.Second // all news reach everybody: a missed wake-up is made up for by the next heartbeat
	lookEvery    = 200 * time.Millisecond
	shopPageSize = 100
)

// audit stops the customers, waits until the shop is at rest, and compares what it says with what they were told.
func (w *world) audit(ctx context.Context, r *result) {
	w.turnstile.Lock()
	defer w.turnstile.Unlock()
	began := time.Now()
	if err := w.signInStaff(ctx); err != nil {
		r.problem("staff can't sign in: %v", err)
		r.invariants = "unknown"
		return
	}
	w.repeatRequests(ctx, r)
	orders, err := w.ended(ctx)
	r.ended = time.Since(began)
	if err != nil {
		r.problem("orders come to no end: %v", err)
	}
	w.compare(orders, r)
	r.invariants = w.books(ctx, r)
	w.checkNews(ctx, r)
}

func (w *world) signInStaff(ctx context.Context) error {
	account, err := w.account()
	if err != nil {
		return err
	}
	res, err := insist(ctx, w.tally, "Login", w.staff.users.Login, &userv1.LoginRequest{Email: account.Email, Password: account.Password})
	if err != nil {
		return err
	}
	w.staff.token.set(res.GetSession().GetAccessToken())
	return nil
}

// repeatRequests sends each request for an order again: it makes no other order. Requests that were never answered get
// their answer now.
func (w *world) repeatRequests(ctx context.Context, r *result) {
	for _, c := range w.customers {
		if time.Since(c.since) > signInEvery {
			if err := c.signIn(ctx); err != nil {
				r.problem("customer %s can't sign in: %v", c.id, err)
				continue
			}
		}
		for _, p := range c.placed {
			if p.checked || p.refused {
				continue
			}
			res, err := insist(ctx, w.tally, "PlaceOrder", c.orders.PlaceOrder, p.request)
			order := res.GetOrder().GetId()
			switch {
			case refusal(err) && p.order == "":
				p.refused = true
			case err != nil:
				r.problem("a repeated request for an order fails: %v", err)
			case p.order != "" && p.order != order:
				r.problem("one request made the orders %s and %s", p.order, order)
			default:
				p.order, p.checked = order, true
			}
		}
	}
}

// ended waits until nothing follows any more and answers all orders.
func (w *world) ended(ctx context.Context) (orders map[string]*orderv1.Order, err error) {
	open := []orderv1.OrderState{
		orderv1.OrderState_ORDER_STATE_PENDING, orderv1.OrderState_ORDER_STATE_PAID, orderv1.OrderState_ORDER_STATE_ASSEMBLING,
		orderv1.OrderState_ORDER_STATE_ASSEMBLED, orderv1.OrderState_ORDER_STATE_DELIVERING,
	}
	err = w.until(ctx, endedWithin, func() error {
		left, err := w.search(ctx, open)
		if err == nil && len(left) > 0 {
			var some []string
			for id, o := range left {
				if some = append(some, fmt.Sprintf("%s is %s", id, o.GetState())); len(some) == 3 {
					break
				}
			}
			err = fmt.Errorf("%d are under way: %s", len(left), strings.Join(some, ", "))
		}
		return err
	})
	orders, failed := w.search(ctx, nil)
	if err == nil {
		err = failed
	}
	return orders, err
}

// search answers all orders in some states, or in any.
func (w *world) search(ctx context.Context, states []orderv1.OrderState) (map[string]*orderv1.Order, error) {
	orders := make(map[string]*orderv1.Order)
	for token, first := "", true; first || token != ""; first = false {
		res, err := insist(ctx, w.tally, "SearchOrders", w.staff.ordersAdmin.SearchOrders, &orderv1.SearchOrdersRequest{
			States: states, PageSize: shopPageSize, PageToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, o := range res.GetOrders() {
			orders[o.GetId()] = o
		}
		token = res.GetNextPageToken()
	}
	return orders, nil
}

// compare looks for each accepted order, and for orders that nobody placed.
func (w *world) compare(orders map[string]*orderv1.Order, r *result) {
	accepted := make(map[string]bool)
	for _, c := range w.customers {
		for _, p := range c.placed {
			if p.order == "" {
				continue
			}
			if accepted[p.order] {
				r.problem("two requests made one order, %s", p.order)
			}
			accepted[p.order] = true
			o := orders[p.order]
			switch {
			case o == nil:
				r.problem("order %s was accepted and is lost", p.order)
			case o.GetUserId() != c.id:
				r.problem("order %s of %s belongs to %s", p.order, c.id, o.GetUserId())
			case o.GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED && o.GetCancelReason() == orderv1.CancelReason_CANCEL_REASON_UNSPECIFIED:
				r.problem("order %s is cancelled without a reason", p.order)
			}
		}
	}
	for id := range orders {
		if !accepted[id] {
			r.problem("nobody was told of order %s", id)
		}
	}
}

// books waits until every rule is kept and nothing under way explains anything any more.
func (w *world) books(ctx context.Context, r *result) string {
	var invariants []*typev1.Invariant
	staff := shop.Caller{HTTP: &http.Client{Timeout: time.Minute}, URL: "http://" + w.front.address(), Token: w.staff.token.get()}
	err := w.until(ctx, restWithin, func() (err error) {
		if invariants, err = shop.Books(ctx, staff); err != nil {
			return err
		}
		for _, i := range invariants {
			if i.GetStatus() != typev1.InvariantStatus_INVARIANT_STATUS_OK {
				return fmt.Errorf("%s is %s: %s", i.GetName(), i.GetStatus(), strings.Join(i.GetFindings(), "; "))
			}
		}
		return nil
	})
	if err != nil {
		r.problem("the books do not balance: %v", err)
		return "broken"
	}
	return fmt.Sprintf("%d ok", len(invariants))
}

// checkNews waits until each customer was told of everything, in numbers without gap or repeat, and once of each end.
func (w *world) checkNews(ctx context.Context, r *result) {
	began := time.Now()
	for _, c := range w.customers {
		err := w.until(ctx, newsWithin, func() error { return c.toldAll(ctx) })
		if err != nil {
			r.problem("customer %s: %v", c.id, err)
		}
		for _, problem := range c.live.takeProblems() {
			r.problem("the stream of customer %s: %s", c.id, problem)
		}
	}
	if late := time.Since(began); late > 5*time.Second {
		r.note("news were complete %s after the books", seconds(late))
	}
}

func (c *customer) toldAll(ctx context.Context) error {
	res, err := insist(ctx, c.tally, "ListNotifications", c.notifications.ListNotifications, &notificationv1.ListNotificationsRequest{PageSize: 1})
	if err != nil {
		return err
	}
	if kept := res.GetNotifications(); len(kept) > 0 && kept[0].GetNumber() != c.live.seen() {
		return fmt.Errorf("notification %d is the newest, and %d was seen last", kept[0].GetNumber(), c.live.seen())
	}
	for _, p := range c.placed {
		if p.order != "" && c.live.told(p.order) != 1 {
			return fmt.Errorf("the end of order %s was told %d times", p.order, c.live.told(p.order))
		}
	}
	return nil
}

// until repeats a check until it succeeds, and returns its error when it never does.
func (w *world) until(ctx context.Context, patience time.Duration, check func() error) error {
	for deadline := time.Now().Add(patience); ; w.wait(ctx, lookEvery) {
		err := check()
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
	}
}
