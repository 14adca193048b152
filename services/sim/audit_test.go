package sim_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"google.golang.org/protobuf/proto"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	eventv1 "github.com/taproom-shop/taproom/gen/go/taproom/event/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/shop"
)

// audit looks at everything once it is at rest, and counts money and bottles by itself besides.
func (p *people) audit() {
	if waits := p.waits(); waits != "" {
		p.wrong("the broker still has %s", waits)
	}
	orders := p.allOrders()
	if len(orders) != len(p.orders) {
		p.wrong("%d orders are kept and %d were told of", len(orders), len(p.orders))
	}
	for _, o := range orders {
		if state := o.GetState(); state != orderv1.OrderState_ORDER_STATE_DELIVERED && state != orderv1.OrderState_ORDER_STATE_CANCELLED {
			p.wrong("%s ends as %s", p.called(o.GetId(), "order"), state)
		}
		if o.GetCancelRequested() {
			p.wrong("%s ends with an open request to cancel", p.called(o.GetId(), "order"))
		}
	}
	p.auditRequests()
	p.auditBooks()
	p.auditMoney(orders)
	p.auditStock(orders)
	p.auditCarts(orders)
	p.auditNotifications()
}

// auditRequests checks that no order told its customer that a cancellation was refused which in the end succeeded.
func (p *people) auditRequests() {
	if wrong := p.number("order", `SELECT count(*) FROM orders o WHERE state = 'CANCELLED' AND
		(SELECT max(number) FROM order_timeline t WHERE t.order_id = o.id AND t.type = 'order.cancel_refused') >
		(SELECT max(number) FROM order_timeline t WHERE t.order_id = o.id AND t.type = 'order.cancel_requested')`); wrong > 0 {
		p.wrong("%d orders are cancelled by a request that they said was refused", wrong)
	}
}

func (p *people) allOrders() (orders []*orderv1.Order) {
	req := &orderv1.SearchOrdersRequest{PageSize: 100}
	for {
		res, err := p.staff.SearchOrders(context.Background(), req)
		if err != nil {
			p.wrong("searching orders: %v", err)
			return nil
		}
		orders = append(orders, res.GetOrders()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return orders
		}
	}
}

// auditBooks checks what the shop checks by itself.
func (p *people) auditBooks() {
	http, url := p.shop.Client("edge")
	invariants, err := shop.Books(context.Background(), shop.Caller{HTTP: http, URL: url, Token: p.shop.Token(identity.RoleStaff, newID())})
	if err != nil {
		p.wrong("the books: %v", err)
	}
	for _, inv := range invariants {
		if inv.GetStatus() != typev1.InvariantStatus_INVARIANT_STATUS_OK {
			findings := inv.GetFindings()
			for id, name := range p.names {
				for i := range findings {
					findings[i] = strings.ReplaceAll(findings[i], id, name)
				}
			}
			p.wrong("%s is %s: %s", inv.GetName(), inv.GetStatus(), findings)
		}
	}
}

// auditMoney checks that every cent is where what was delivered puts it.
func (p *people) auditMoney(orders []*orderv1.Order) {
	spent := make(map[string]int64)
	var charged int64
	for _, o := range orders {
		switch {
		case o.GetState() != orderv1.OrderState_ORDER_STATE_DELIVERED:
		case o.GetPayment().GetWallet():
			spent[o.GetUserId()] += o.GetTotal().GetMinorUnits()
		default:
			charged += o.GetTotal().GetMinorUnits()
		}
	}
	for _, c := range p.customers {
		charged += c.toppedUp
		res, err := c.payments.GetWallet(context.Background(), &paymentv1.GetWalletRequest{})
		if err != nil {
			p.wrong("the wallet of %s: %v", p.names[c.id], err)
			continue
		}
		w := res.GetWallet()
		if want := c.toppedUp - spent[c.id]; w.GetBalance().GetMinorUnits() != want || w.GetAvailable().GetMinorUnits() != want {
			p.wrong("%s has %d cents, of them %d free, and should have %d", p.names[c.id],
				w.GetBalance().GetMinorUnits(), w.GetAvailable().GetMinorUnits(), want)
		}
	}
	taken := p.number("payment", `SELECT COALESCE(SUM(CASE kind WHEN 'charge' THEN amount WHEN 'capture' THEN amount WHEN 'refund' THEN -amount ELSE 0 END), 0)
		FROM simulated_operations WHERE status = 'succeeded'`)
	if taken != charged {
		p.wrong("the card provider took %d cents and should have taken %d", taken, charged)
	}
	if held := p.number("payment", `SELECT count(*) FROM simulated_operations a WHERE kind = 'authorize' AND status = 'succeeded' AND NOT EXISTS
		(SELECT 1 FROM simulated_operations r WHERE r.of_key = a.op_key AND r.kind IN ('capture', 'void'))`); held > 0 {
		p.wrong("the card provider holds money of %d payments for good", held)
	}
}

// auditStock checks that every bottle is where what was delivered puts it.
func (p *people) auditStock(orders []*orderv1.Order) {
	left := make(map[string]int32, len(p.beers))
	for _, o := range orders {
		if o.GetState() == orderv1.OrderState_ORDER_STATE_DELIVERED {
			for _, line := range o.GetLines() {
				left[line.GetBeerId()] -= line.GetQuantity()
			}
		}
	}
	for _, beer := range p.beers {
		left[beer] += p.stocked[beer]
		onHand := p.number("inventory", `SELECT on_hand FROM stock WHERE beer_id = ?`, beer)
		reserved := p.number("inventory", `SELECT reserved FROM stock WHERE beer_id = ?`, beer)
		if onHand != int64(left[beer]) || reserved != 0 {
			p.wrong("of %s %d are on hand and %d reserved; there should be %d and none", p.names[beer], onHand, reserved, left[beer])
		}
	}
}

// auditCarts checks that what was ordered left the cart once, and came back once if the customer did not cancel.
func (p *people) auditCarts(orders []*orderv1.Order) {
	out, back := make(map[string]int), make(map[string]int)
	for _, sub := range p.subs {
		if sub.name != "cart-carts" {
			continue
		}
		for _, m := range sub.heard {
			ev := &eventv1.CartEvent{}
			if err := proto.Unmarshal(m.Data, ev); err != nil {
				p.wrong("a cart's event: %v", err)
			}
			out[ev.GetCheckedOut().GetOrderId()]++
			if len(ev.GetRestored().GetLines()) > 0 { // else the cancellation came first, and the order took nothing
				back[ev.GetRestored().GetOrderId()]++
			}
		}
	}
	want := make(map[string]map[string]int32)
	for _, c := range p.customers {
		want[c.id] = make(map[string]int32)
		for beer, n := range c.added {
			want[c.id][beer] += n
		}
	}
	for _, o := range orders {
		restored, id := 0, o.GetId()
		if o.GetState() == orderv1.OrderState_ORDER_STATE_CANCELLED && o.GetCancelReason() != orderv1.CancelReason_CANCEL_REASON_CUSTOMER {
			restored = 1
		}
		if out[id] > 1 || back[id] > 1 || out[id]-back[id] != 1-restored {
			p.wrong("%s left the cart %d times and came back %d times", p.called(id, "order"), out[id], back[id])
		}
		for _, line := range o.GetLines() {
			want[o.GetUserId()][line.GetBeerId()] += line.GetQuantity() * int32(restored-1)
		}
	}
	for _, c := range p.customers {
		res, err := c.cart.GetCart(context.Background(), &cartv1.GetCartRequest{})
		if err != nil {
			p.wrong("the cart of %s: %v", p.names[c.id], err)
		}
		have := make(map[string]int32)
		for _, item := range res.GetCart().GetItems() {
			have[item.GetBeerId()] = item.GetQuantity()
		}
		for _, beer := range p.beers {
			if have[beer] != want[c.id][beer] {
				p.wrong("the cart of %s has %d of %s and should have %d", p.names[c.id], have[beer], p.names[beer], want[c.id][beer])
			}
		}
	}
}

// auditNotifications checks that each customer was told of everything, in numbers without gaps.
func (p *people) auditNotifications() {
	told := 0
	for _, sub := range p.subs {
		if sub.name == "notification-orders" {
			told = len(sub.heard)
		}
	}
	if kept := p.number("notification", `SELECT count(*) FROM notifications`); kept != int64(told) {
		p.wrong("%d notifications are kept of %d events", kept, told)
	}
	if gaps := p.number("notification", `SELECT count(*) FROM (SELECT user_id FROM notifications GROUP BY user_id
		HAVING max(number) <> count(*) OR min(number) <> 1) AS gaps`); gaps > 0 {
		p.wrong("the notifications of %d customers are not numbered one by one", gaps)
	}
}

func (w *world) service(name string) *service {
	return w.services[slices.IndexFunc(w.services, func(s *service) bool { return s.name == name })]
}

func (w *world) number(service, query string, args ...any) (n int64) {
	if err := w.service(service).db.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		w.wrong("%s: %v", query, err)
	}
	return n
}

// replay empties the inboxes and lets everybody hear everything again: that must change nothing.
func (p *people) replay() {
	before := p.dump()
	for _, svc := range p.services {
		if svc.db == nil {
			continue
		}
		if err := svc.db.Tx(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "DELETE FROM inbox")
			return err
		}); err != nil {
			p.wrong("emptying the inbox of %s: %v", svc.name, err)
		}
	}
	p.note("everything once more")
	for _, sub := range p.subs {
		for _, at := range p.rng.Perm(len(sub.heard)) {
			m := sub.heard[at]
			m.Deliveries = 1
			sub.waiting = append(sub.waiting, &delivery{Message: m, label: p.labelOf(m.Subject)})
		}
	}
	p.settle()
	after := p.dump()
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if before[table] != after[table] {
			p.wrong("hearing everything once more changed %s: %s", table, difference(before[table], after[table]))
		}
	}
}

// dump writes down all that the services keep, but for the time at which events were published and heard.
func (p *people) dump() map[string]string {
	content := make(map[string]string)
	for _, svc := range p.services {
		if svc.db == nil {
			continue
		}
		for _, table := range p.tables(svc.db) {
			query := `SELECT * FROM ` + table
			switch {
			case table == "inbox", table == "leases", strings.HasSuffix(table, "_migrations"), strings.HasPrefix(table, "sqlite_"):
				continue
			case table == "outbox":
				query = `SELECT subject, id FROM outbox`
			}
			content[svc.name+"."+table] = strings.Join(p.lines(svc.db, query), "\n")
		}
	}
	return content
}

func (p *people) tables(db *database.DB) []string {
	if db.Dialect() == dialect.SQLite {
		return p.lines(db, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	}
	return p.lines(db, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
}

// lines answers the rows of a query as text, sorted.
func (p *people) lines(db *database.DB, query string) (lines []string) {
	rows, err := db.Query(context.Background(), query)
	if err != nil {
		p.wrong("%s: %v", query, err)
		return nil
	}
	defer rows.Close()
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		lines = append(lines, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
	}
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		p.wrong("%s: %v", query, err)
	}
	slices.Sort(lines)
	return lines
}

// difference shows the lines that only one of two texts has.
func difference(before, after string) string {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for _, line := range b {
		if !slices.Contains(a, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}
