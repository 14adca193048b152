// Package e2e tests the whole shop from outside, through the generated clients and the edge.
package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

func TestAnOrderFromCartToDoorstep(t *testing.T) {
	shop := shoptest.Start(t)
	staff := shop.Login(t, shop.Staff)
	beer := shop.NewBeer(t, staff, 10)
	for name, pay := range map[string]func(p *shoptest.Person) *orderv1.PaymentMethod{
		"wallet": func(p *shoptest.Person) *orderv1.PaymentMethod { p.TopUp(t, 5000); return shoptest.Wallet() },
		"card": func(p *shoptest.Person) *orderv1.PaymentMethod {
			return shoptest.Card(p.SaveCard(t, shoptest.GoodCard))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := shop.Register(t)
			order := p.Order(t, beer.GetId(), 2, pay(p))
			require.Equal(t, orderv1.OrderState_ORDER_STATE_PENDING, order.GetState())
			p.Await(t, order.GetId(), orderv1.OrderState_ORDER_STATE_DELIVERED)
		})
	}
	printed, err := shop.Taproom(t.Context(), t, "books")
	require.NoError(t, err, printed)
	t.Log("\n" + printed)
}
