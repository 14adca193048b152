package chaos

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
)

const (
	goodCard    = "4242424242424242"
	signInEvery = 45 * time.Second // far less than a token lives, so that signing in is disturbed too
	topUpCents  = 100_000
	topUpEvery  = 20 // orders; now and then one too late, and the wallet declines
)

// cards are what some customers pay with: one that works, and some that try the shop's patience.
var cards = []string{
	goodCard,
	"4000000000000002", // declines
	"4000000000000267", // tells twice
	goodCard,
	"4000000000000283", // two captures fail
}

// customer buys one thing after the other.
type customer struct {
	*person
	tally    *tally
	live     *live
	choice   *mathrand.Rand
	email    string
	password string
	id       string
	since    time.Time // when the token was made
	address  string
	card     string
	payment  *orderv1.PaymentMethod
	beers    []string

	placed []*placement // behind the turnstile, as all that changes
	bought int
}

// placement is a request for an order. What became of it is unknown until there is an order, or refused.
type placement struct {
	request *orderv1.PlaceOrderRequest
	order   string
	refused bool
	checked bool
}

// join opens an account that can buy.
func (c *customer) join(ctx context.Context) error {
	c.email, c.password = rand.Text()+"@taproom.example", rand.Text()
	res, err := insist(ctx, c.tally, "Register", c.users.Register, &userv1.RegisterRequest{
		Email: c.email, Password: c.password, DisplayName: "Somebody New",
	})
	if err != nil {
		return err
	}
	c.id, c.since = res.GetUser().GetId(), time.Now()
	c.token.set(res.GetSession().GetAccessToken())
	address, err := insist(ctx, c.tally, "CreateAddress", c.users.CreateAddress, &userv1.CreateAddressRequest{
		Address: &typev1.Address{Recipient: "Ada Porter", Street: "Malt Street 1", City: "Kiel", PostalCode: "24103", Country: "DE"},
	})
	if err != nil {
		return err
	}
	c.address = address.GetAddress().GetId()
	return nil
}

// pay chooses how the customer pays: a card's number, or the wallet.
func (c *customer) pay(ctx context.Context, number string) error {
	wallet := number == ""
	if wallet {
		number = goodCard
	}
	res, err := insist(ctx, c.tally, "SaveCard", c.payments.SaveCard, &paymentv1.SaveCardRequest{Number: number, ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
	if err != nil {
		return err
	}
	c.card = res.GetCard().GetId()
	c.payment = &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_CardId{CardId: c.card}}
	if wallet {
		c.payment = &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}}
	}
	return nil
}

// shop buys until ctx ends, about once in a while, whenever the turnstile lets it in. Purchases that have begun are finished.
func (c *customer) shop(ctx context.Context, every time.Duration, turnstile *sync.RWMutex) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(float64(every) * (0.5 + c.choice.Float64()))):
		}
		turnstile.RLock()
		if ctx.Err() == nil {
			c.buy(context.WithoutCancel(ctx))
		}
		turnstile.RUnlock()
	}
}

// buy makes one purchase. What fails is in the tally.
func (c *customer) buy(ctx context.Context) {
	if time.Since(c.since) > signInEvery && c.signIn(ctx) != nil {
		return
	}
	if c.payment.GetWallet() && c.bought%topUpEvery == 0 {
		_, err := insist(ctx, c.tally, "TopUpWallet", c.payments.TopUpWallet, &paymentv1.TopUpWalletRequest{
			RequestId: newID(), CardId: c.card, AmountMinorUnits: topUpCents,
		})
		if err != nil {
			return
		}
	}
	c.bought++
	if _, err := insist(ctx, c.tally, "ListBeers", c.catalog.ListBeers, &catalogv1.ListBeersRequest{PageSize: 20}); err != nil {
		return
	}
	cart, err := insist(ctx, c.tally, "AddItem", c.carts.AddItem, &cartv1.AddItemRequest{
		RequestId: newID(), BeerId: c.beers[c.choice.IntN(len(c.beers))], Quantity: 1 + c.choice.Int32N(3),
	})
	if err != nil {
		return
	}
	quote, err := insist(ctx, c.tally, "QuoteOrder", c.orders.QuoteOrder, &orderv1.QuoteOrderRequest{
		ShippingMethodId: "standard", Country: "DE", MinCartVersion: cart.GetCart().GetVersion(),
	})
	if err != nil {
		return
	}
	order := c.place(ctx, quote.GetQuote().GetDigest())
	if order == "" || c.choice.IntN(8) > 0 {
		return
	}
	_, _ = insist(ctx, c.tally, "CancelOrder", c.orders.CancelOrder, &orderv1.CancelOrderRequest{RequestId: newID(), Id: order})
}

func (c *customer) place(ctx context.Context, digest string) (order string) {
	p := &placement{request: &orderv1.PlaceOrderRequest{
		RequestId: newID(), QuoteDigest: digest, AddressId: c.address, ShippingMethodId: "standard", Payment: c.payment,
	}}
	c.placed = append(c.placed, p)
	res, err := insist(ctx, c.tally, "PlaceOrder", c.orders.PlaceOrder, p.request)
	p.refused, p.order = refusal(err), res.GetOrder().GetId()
	if err != nil {
		return ""
	}
	c.tally.placed()
	return p.order
}

func (c *customer) signIn(ctx context.Context) error {
	res, err := insist(ctx, c.tally, "Login", c.users.Login, &userv1.LoginRequest{Email: c.email, Password: c.password})
	if err != nil {
		return err
	}
	c.token.set(res.GetSession().GetAccessToken())
	c.since = time.Now()
	return nil
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
